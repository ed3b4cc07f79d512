-- The tables of a spyq store, schema version 3. Embedded into spyqd, which runs it on a new store.
-- docs/spyq-schema.7 says what each column means. Names here are public: columns may be added, none
-- is renamed, retyped or dropped without a new major version.

-- processes, execs, edges and connections are views (views.sql) of the tables *_rows, which hold the
-- same with less. There a column of type ANY holds a text as it is, or a number that stands for one:
-- of a row of `strings`, or of one of the few words that the view lists.

-- Private: text that is met again and again.
CREATE TABLE strings (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

-- Private: what many processes share. boot_offset: processes.started_at less start_boottime.
CREATE TABLE contexts (
    id INTEGER PRIMARY KEY,
    uid INTEGER,
    euid INTEGER,
    gid INTEGER,
    egid INTEGER,
    user TEXT,
    login_uid INTEGER,
    audit_session INTEGER,
    capabilities TEXT,
    sid INTEGER,
    tty TEXT,
    container_id TEXT,
    cgroup TEXT,
    mnt_ns INTEGER,
    pid_ns INTEGER,
    net_ns INTEGER,
    user_ns INTEGER,
    boot_offset INTEGER
) STRICT;

-- Private: what many execs share.
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    device TEXT,
    inode INTEGER,
    links INTEGER,
    memfd INTEGER,
    deleted INTEGER,
    setuid INTEGER,
    uid INTEGER,
    euid INTEGER,
    gid INTEGER,
    egid INTEGER
) STRICT;

-- One row for each boot of a host.
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    hostname TEXT,
    machine_id TEXT,
    boot_id TEXT,
    booted_at INTEGER,
    kernel TEXT,
    os TEXT,
    arch TEXT,
    first_seen_at INTEGER,
    last_seen_at INTEGER
) STRICT;

-- One row for each run of the recorder.
CREATE TABLE recorders (
    id INTEGER PRIMARY KEY,
    host_id INTEGER,
    pid INTEGER,
    version TEXT,
    started_at INTEGER,
    last_seen_at INTEGER,
    ended_at INTEGER,
    cgroup TEXT,
    late INTEGER
) STRICT;

-- One row for each kernel probe of a run.
CREATE TABLE probes (
    id INTEGER PRIMARY KEY,
    recorder_id INTEGER NOT NULL,
    name TEXT,
    tier TEXT,
    error TEXT,
    recursion_misses INTEGER
) STRICT;

-- One row for each process (thread group), kept current with its latest image.
CREATE TABLE process_rows (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    ns_pid_offset INTEGER, -- from pid
    ppid INTEGER,
    parent_id INTEGER,
    trace_id INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    exit_code INTEGER,
    exit_signal INTEGER,
    origin ANY NOT NULL,
    comm ANY,
    exe TEXT,
    cmdline ANY, -- negative: the strings of the JSON array with that number, joined
    cwd ANY,
    exec_count INTEGER,
    context INTEGER,
    pgid INTEGER,
    depth INTEGER,
    truncated INTEGER
) STRICT;
CREATE INDEX processes_by_pid ON process_rows (pid);
CREATE INDEX processes_by_parent ON process_rows (parent_id);
CREATE INDEX processes_by_start ON process_rows (started_at);
CREATE INDEX processes_by_trace ON process_rows (trace_id);
CREATE INDEX processes_by_exe ON process_rows (exe, started_at) WHERE exe IS NOT NULL;
CREATE INDEX processes_alive ON process_rows (host_id) WHERE ended_at IS NULL;
-- Of those that lived for ten seconds or longer, by how many digits their lifetime has: who was there at
-- a moment ended within ten times the shortest of these after it, at most (cmd_ps.c).
CREATE INDEX processes_long ON process_rows (length(ended_at - started_at), ended_at)
WHERE ended_at - started_at >= 10000000000;

-- One row for each execve and execveat, failed ones included.
CREATE TABLE exec_rows (
    id INTEGER PRIMARY KEY,
    process_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    filename ANY,
    exe TEXT,
    argv ANY,
    argc INTEGER,
    cwd ANY,
    script TEXT,
    interpreter ANY,
    image INTEGER,
    stdin ANY, -- negative: the pipe with that inode
    stdout ANY,
    stderr ANY,
    environment ANY,
    error ANY,
    truncated INTEGER,
    argv_length INTEGER
) STRICT;
CREATE INDEX execs_by_process ON exec_rows (process_id);
CREATE INDEX execs_by_time ON exec_rows (at);
CREATE INDEX execs_by_exe ON exec_rows (exe, at) WHERE exe IS NOT NULL;
CREATE INDEX execs_by_script ON exec_rows (script, at) WHERE script IS NOT NULL;

-- One row for each socket endpoint that a process on this host holds or held.
CREATE TABLE connection_rows (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    process_id INTEGER,
    protocol ANY NOT NULL,
    direction ANY,
    local_address TEXT,
    local_port INTEGER,
    remote_address TEXT,
    remote_port INTEGER,
    remote_name ANY,
    started_at INTEGER,
    established_after INTEGER, -- from started_at
    ended_at INTEGER,
    state ANY NOT NULL,
    error ANY,
    bytes_sent INTEGER,
    bytes_received INTEGER,
    listener_id INTEGER,
    peer_offset INTEGER, -- from id
    peer_process_id INTEGER,
    net_ns_offset INTEGER, -- from the first that a kernel gives out, 4026531840
    origin ANY NOT NULL,
    cookie INTEGER,
    inode INTEGER
) STRICT;
CREATE INDEX connections_by_process ON connection_rows (process_id);
CREATE INDEX connections_by_remote ON connection_rows (remote_address, remote_port);
CREATE INDEX connections_by_local ON connection_rows (local_port);
CREATE INDEX connections_by_start ON connection_rows (started_at);
CREATE INDEX connections_open ON connection_rows (host_id) WHERE ended_at IS NULL;

-- One row for each socket that waits for others: listening TCP, bound UDP.
CREATE TABLE listeners (
    id INTEGER PRIMARY KEY,
    process_id INTEGER,
    protocol TEXT NOT NULL,
    address TEXT,
    port INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    net_ns INTEGER,
    origin TEXT NOT NULL,
    cookie INTEGER,
    host_id INTEGER NOT NULL
) STRICT;
CREATE INDEX listeners_by_process ON listeners (process_id);
CREATE INDEX listeners_by_port ON listeners (port);
CREATE INDEX listeners_by_address ON listeners (address);
CREATE INDEX listeners_by_start ON listeners (started_at);
CREATE INDEX listeners_open ON listeners (host_id) WHERE ended_at IS NULL;

-- Who came to hold the socket of a connection without having made it.
CREATE TABLE holders (
    id INTEGER PRIMARY KEY,
    connection_id INTEGER NOT NULL,
    process_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    how TEXT NOT NULL,
    edge_id INTEGER
) STRICT;
CREATE INDEX holders_by_connection ON holders (connection_id);
CREATE INDEX holders_by_process ON holders (process_id);

-- One row for each question that a process asked.
CREATE TABLE dns_queries (
    id INTEGER PRIMARY KEY,
    process_id INTEGER,
    at INTEGER NOT NULL,
    name TEXT,
    type TEXT,
    server TEXT,
    rcode TEXT,
    answers TEXT,
    latency_ns INTEGER,
    protocol TEXT,
    host_id INTEGER NOT NULL
) STRICT;
CREATE INDEX dns_queries_by_process ON dns_queries (process_id, at);
CREATE INDEX dns_queries_by_name ON dns_queries (name, at);
CREATE INDEX dns_queries_by_time ON dns_queries (at);

-- What was done to files that matter to causality.
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    process_id INTEGER,
    at INTEGER NOT NULL,
    op TEXT NOT NULL,
    path TEXT,
    old_path TEXT,
    device TEXT,
    inode INTEGER,
    mode INTEGER,
    size INTEGER,
    last_at INTEGER,
    connection_id INTEGER,
    place TEXT,
    memfd INTEGER,
    host_id INTEGER NOT NULL
) STRICT;
CREATE INDEX files_by_process ON files (process_id, at);
CREATE INDEX files_by_path ON files (path, at);
CREATE INDEX files_by_old_path ON files (old_path, at) WHERE old_path IS NOT NULL;
CREATE INDEX files_by_inode ON files (inode, device);
CREATE INDEX files_by_time ON files (at);
CREATE INDEX files_by_connection ON files (connection_id) WHERE connection_id IS NOT NULL;

-- Changes of credentials and of walls.
CREATE TABLE privileges (
    id INTEGER PRIMARY KEY,
    process_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    old TEXT,
    new TEXT,
    exec_id INTEGER,
    host_id INTEGER NOT NULL
) STRICT;
CREATE INDEX privileges_by_process ON privileges (process_id, at);
CREATE INDEX privileges_by_time ON privileges (at);

CREATE TABLE containers (
    id INTEGER PRIMARY KEY,
    container_id TEXT NOT NULL,
    runtime TEXT,
    name TEXT,
    image TEXT,
    pod TEXT,
    namespace TEXT,
    labels TEXT,
    cgroup TEXT,
    root_process_id INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    host_id INTEGER NOT NULL
) STRICT;
CREATE INDEX containers_by_container ON containers (container_id);
CREATE INDEX containers_by_name ON containers (name);
CREATE INDEX containers_running ON containers (host_id) WHERE ended_at IS NULL;

-- What one login, job, service or container has set off.
CREATE TABLE traces (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    root_process_id INTEGER,
    kind TEXT NOT NULL,
    title TEXT,
    user TEXT,
    remote_address TEXT,
    started_at INTEGER,
    last_at INTEGER,
    ended_at INTEGER,
    process_count INTEGER NOT NULL,
    connection_count INTEGER NOT NULL,
    flag_count INTEGER NOT NULL,
    score INTEGER,
    severity TEXT,
    tactics TEXT,
    pinned INTEGER NOT NULL
) STRICT;
CREATE INDEX traces_by_start ON traces (started_at);
CREATE INDEX traces_by_last ON traces (last_at);
CREATE INDEX traces_living ON traces (host_id) WHERE ended_at IS NULL;
CREATE INDEX traces_by_score ON traces (score) WHERE score IS NOT NULL;

-- Edges that lead from a process of one trace to one of another, counted.
CREATE TABLE trace_links (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    src_trace_id INTEGER NOT NULL,
    dst_trace_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    edge_id INTEGER
) STRICT;
CREATE INDEX trace_links_by_src ON trace_links (src_trace_id, last_at);
CREATE INDEX trace_links_by_dst ON trace_links (dst_trace_id, at);
CREATE INDEX trace_links_by_edge ON trace_links (edge_id);

-- src acted on dst. Evidence that does not apply is NULL.
CREATE TABLE edge_rows (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    last_after INTEGER NOT NULL, -- from at
    count INTEGER NOT NULL,
    kind ANY NOT NULL,
    src INTEGER NOT NULL,
    dst INTEGER NOT NULL,
    connection_id INTEGER,
    file_id INTEGER,
    detail ANY, -- negative: the pipe with that inode
    open INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX edges_by_src ON edge_rows (src, at + last_after);
CREATE INDEX edges_by_dst ON edge_rows (dst, at);
CREATE INDEX edges_open ON edge_rows (src) WHERE open = 1;
CREATE INDEX edges_by_connection ON edge_rows (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX edges_by_file ON edge_rows (file_id) WHERE file_id IS NOT NULL;

-- What a rule has found. trace_id, severity and suppressed_by may change later, the rest does not.
CREATE TABLE flags (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
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
) STRICT;
CREATE INDEX flags_by_time ON flags (at);
CREATE INDEX flags_by_rule ON flags (rule, at);
CREATE INDEX flags_by_process ON flags (process_id, rule);
CREATE INDEX flags_by_trace ON flags (trace_id, rule);
CREATE INDEX flags_by_exec ON flags (exec_id) WHERE exec_id IS NOT NULL;
CREATE INDEX flags_by_connection ON flags (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX flags_by_file ON flags (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX flags_by_edge ON flags (edge_id) WHERE edge_id IS NOT NULL;

-- Where each point of a trace's score comes from. Replaced as a whole when the score changes.
CREATE TABLE score_reasons (
    id INTEGER PRIMARY KEY,
    trace_id INTEGER NOT NULL,
    flag_id INTEGER,
    points INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX score_reasons_by_trace ON score_reasons (trace_id);
CREATE INDEX score_reasons_by_flag ON score_reasons (flag_id) WHERE flag_id IS NOT NULL;

-- The rules that the recorder has loaded, and how they fare.
CREATE TABLE rules (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    title TEXT,
    severity TEXT,
    techniques TEXT,
    tactics TEXT,
    description TEXT,
    benign TEXT,
    file TEXT,
    state TEXT NOT NULL,
    error TEXT,
    runs INTEGER,
    hits INTEGER,
    withheld INTEGER,
    busy_ns INTEGER,
    slowest_ns INTEGER,
    loaded_at INTEGER
) STRICT;
CREATE INDEX rules_by_name ON rules (name);

-- What goes with what on this host, how often, and since when.
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    novel INTEGER NOT NULL,
    process_id INTEGER
) STRICT;
CREATE INDEX pairs_by_pair ON pairs (a, b, kind);
CREATE INDEX pairs_by_first ON pairs (first_at);
CREATE INDEX pairs_by_process ON pairs (process_id);

-- What is known not to have been recorded. count is NULL where nobody can know it.
CREATE TABLE losses (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    class TEXT NOT NULL,
    stage TEXT NOT NULL,
    count INTEGER,
    detail TEXT,
    cgroup TEXT
) STRICT;
CREATE INDEX losses_by_time ON losses (ended_at);

-- Private: which rows of processes and edges each of the recorder's newest transactions wrote, as
-- JSON arrays of ids. Whoever holds the graph in memory goes by it, as long as the row is still there
-- up to which they know it. Whatever else writes those tables does not say what: it empties this one.
-- The recorder has triggers switched off.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    processes TEXT,
    edges TEXT
) STRICT;
CREATE TRIGGER process_row_inserted AFTER INSERT ON process_rows BEGIN DELETE FROM changes; END;
CREATE TRIGGER process_row_updated AFTER UPDATE ON process_rows BEGIN DELETE FROM changes; END;
CREATE TRIGGER process_row_deleted AFTER DELETE ON process_rows BEGIN DELETE FROM changes; END;
CREATE TRIGGER edge_row_inserted AFTER INSERT ON edge_rows BEGIN DELETE FROM changes; END;
CREATE TRIGGER edge_row_updated AFTER UPDATE ON edge_rows BEGIN DELETE FROM changes; END;
CREATE TRIGGER edge_row_deleted AFTER DELETE ON edge_rows BEGIN DELETE FROM changes; END;

-- Private: the highest id that any row of a table ever had or named. Ids are given out above it, so
-- that none comes back after its row was deleted, or was lost before it could be written.
CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Private: how far the ids of all tables had come at moments of the past. Old rows are rolled away up
-- to one of these, which is by the order of recording: clocks that are set do not matter. `rolled` is
-- 1 once that has begun, and the newest such row is the horizon.
CREATE TABLE marks (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    boottime INTEGER NOT NULL,
    last_ids TEXT NOT NULL,
    rolled INTEGER NOT NULL
) STRICT;
