-- The tables of a user's store, schema version 1: what people add to a recorded store, kept in a file
-- of its own beside it. Run on every opening for writing, so that a table added here is made where it
-- is missing.

-- Traces that are never rolled away. A trace is told by id and begin: another store has other ids.
CREATE TABLE IF NOT EXISTS pins (
    id INTEGER PRIMARY KEY,
    trace_id INTEGER NOT NULL,
    trace_started_at INTEGER,
    pinned_at INTEGER NOT NULL,
    user TEXT,
    target TEXT,
    reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS pins_by_trace ON pins (trace_id);

-- Flags that are known to be harmless: what is given has to fit, the rest may be anything. The texts
-- but `user` are patterns as GLOB has them. A suppression is never deleted; it ends.
CREATE TABLE IF NOT EXISTS suppressions (
    id INTEGER PRIMARY KEY,
    rule TEXT,
    program TEXT,
    ancestor TEXT,
    user TEXT,
    container TEXT,
    arguments TEXT,
    expires_at INTEGER,
    reason TEXT,
    added_by TEXT,
    added_at INTEGER NOT NULL
) STRICT;
