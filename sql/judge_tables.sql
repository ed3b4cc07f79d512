-- What a judge keeps in its connection beside the store.

-- Flags that are not in the store yet, or that are different there.
CREATE TEMP TABLE fresh_flags (
    id INTEGER PRIMARY KEY,
    at INTEGER,
    rule TEXT,
    severity TEXT,
    title TEXT,
    techniques TEXT,
    process_id INTEGER,
    exec_id INTEGER,
    connection_id INTEGER,
    file_id INTEGER,
    trace_id INTEGER,
    detail TEXT,
    suppressed_by INTEGER,
    edge_id INTEGER,
    tactics TEXT,
    flagged_at INTEGER,
    host_id INTEGER
);
CREATE INDEX temp.fresh_flags_by_process ON fresh_flags (process_id, rule);
CREATE INDEX temp.fresh_flags_by_trace ON fresh_flags (trace_id, rule);

-- Processes that may have flags and may be in another trace now.
CREATE TEMP TABLE moving_processes (id INTEGER PRIMARY KEY);

-- Traces whose score may be another now.
CREATE TEMP TABLE touched_traces (id INTEGER PRIMARY KEY);

-- All flags as they will be.
CREATE TEMP VIEW current_flags AS
SELECT id, rule, severity, title, tactics, process_id, trace_id, suppressed_by FROM temp.fresh_flags
UNION ALL
SELECT id, rule, severity, title, tactics, process_id, trace_id, suppressed_by FROM main.flags
WHERE id NOT IN (SELECT id FROM temp.fresh_flags);
