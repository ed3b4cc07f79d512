-- From schema 1: processes, execs, edges and connections give way to tables that hold the same with
-- less, and to views.

CREATE TABLE strings (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

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

-- Text that is there more than once. The index is for this step only.
INSERT INTO strings (text) SELECT text FROM (
    SELECT comm AS text FROM processes
    UNION ALL SELECT cmdline AS text FROM processes
    UNION ALL SELECT cwd AS text FROM processes
    UNION ALL SELECT filename AS text FROM execs
    UNION ALL SELECT argv AS text FROM execs
    UNION ALL SELECT cwd AS text FROM execs
    UNION ALL SELECT interpreter AS text FROM execs
    UNION ALL SELECT stdin AS text FROM execs
    UNION ALL SELECT stdout AS text FROM execs
    UNION ALL SELECT stderr AS text FROM execs
    UNION ALL SELECT environment AS text FROM execs
    UNION ALL SELECT error AS text FROM execs
    UNION ALL SELECT detail AS text FROM edges
    UNION ALL SELECT remote_name AS text FROM connections
    UNION ALL SELECT error AS text FROM connections
) WHERE length(text) >= 4 AND text NOT GLOB 'pipe:[[][0-9]*' GROUP BY text HAVING count(*) > 1;
CREATE INDEX strings_by_text ON strings (text);

INSERT INTO contexts (
    uid, euid, gid, egid, user, login_uid, audit_session, capabilities, sid, tty, container_id,
    cgroup, mnt_ns, pid_ns, net_ns, user_ns, boot_offset
) SELECT DISTINCT
    r.uid, r.euid, r.gid, r.egid, r.user, r.login_uid, r.audit_session, r.capabilities, r.sid,
    r.tty, r.container_id, r.cgroup, r.mnt_ns, r.pid_ns, r.net_ns, r.user_ns, coalesce(r.started_at,
    0) - r.start_boottime
FROM processes AS r;
CREATE INDEX contexts_by_all ON contexts (
    uid, euid, gid, egid, user, login_uid, audit_session, capabilities, sid, tty, container_id,
    cgroup, mnt_ns, pid_ns, net_ns, user_ns, boot_offset
);

INSERT INTO process_rows (
    id, host_id, pid, ns_pid_offset, ppid, parent_id, trace_id, started_at, ended_at, exit_code,
    exit_signal, origin, comm, exe, cmdline, cwd, exec_count, context, pgid, depth, truncated
) SELECT
    r.id, r.host_id, r.pid,
    r.ns_pid - r.pid,
    r.ppid, r.parent_id, r.trace_id, r.started_at, r.ended_at, r.exit_code, r.exit_signal,
    CASE r.origin WHEN 'event' THEN 0 WHEN 'scan' THEN 1 WHEN 'inferred' THEN 2 ELSE r.origin
        END,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.comm), r.comm),
    r.exe,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.cmdline), r.cmdline),
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.cwd), r.cwd),
    r.exec_count,
    (SELECT f.id FROM contexts AS f WHERE f.uid IS r.uid AND f.euid IS r.euid AND f.gid IS r.gid
        AND f.egid IS r.egid AND f.user IS r.user AND f.login_uid IS r.login_uid AND
        f.audit_session IS r.audit_session AND f.capabilities IS r.capabilities AND f.sid IS
        r.sid AND f.tty IS r.tty AND f.container_id IS r.container_id AND f.cgroup IS r.cgroup
        AND f.mnt_ns IS r.mnt_ns AND f.pid_ns IS r.pid_ns AND f.net_ns IS r.net_ns AND f.user_ns
        IS r.user_ns AND f.boot_offset IS coalesce(r.started_at, 0) - r.start_boottime),
    r.pgid, r.depth, r.truncated
FROM processes AS r;
DROP TABLE processes;
DROP INDEX contexts_by_all;

INSERT INTO images (
    device, inode, links, memfd, deleted, setuid, uid, euid, gid, egid
) SELECT DISTINCT
    r.device, r.inode, r.links, r.memfd, r.deleted, r.setuid, r.uid, r.euid, r.gid, r.egid
FROM execs AS r;
CREATE INDEX images_by_all ON images (
    device, inode, links, memfd, deleted, setuid, uid, euid, gid, egid
);

INSERT INTO exec_rows (
    id, process_id, at, filename, exe, argv, argc, cwd, script, interpreter, image, stdin, stdout,
    stderr, environment, error, truncated, argv_length
) SELECT
    r.id, r.process_id, r.at,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.filename), r.filename),
    r.exe,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.argv), r.argv),
    r.argc,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.cwd), r.cwd),
    r.script,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.interpreter), r.interpreter),
    (SELECT f.id FROM images AS f WHERE f.device IS r.device AND f.inode IS r.inode AND f.links
        IS r.links AND f.memfd IS r.memfd AND f.deleted IS r.deleted AND f.setuid IS r.setuid
        AND f.uid IS r.uid AND f.euid IS r.euid AND f.gid IS r.gid AND f.egid IS r.egid),
    CASE WHEN r.stdin GLOB 'pipe:[[][1-9]*]' AND r.stdin = 'pipe:[' || CAST(substr(r.stdin, 7)
        AS INTEGER) || ']' THEN -CAST(substr(r.stdin, 7) AS INTEGER) ELSE ifnull((SELECT s.id
        FROM strings AS s WHERE s.text = r.stdin), r.stdin) END,
    CASE WHEN r.stdout GLOB 'pipe:[[][1-9]*]' AND r.stdout = 'pipe:[' || CAST(substr(r.stdout,
        7) AS INTEGER) || ']' THEN -CAST(substr(r.stdout, 7) AS INTEGER) ELSE ifnull((SELECT
        s.id FROM strings AS s WHERE s.text = r.stdout), r.stdout) END,
    CASE WHEN r.stderr GLOB 'pipe:[[][1-9]*]' AND r.stderr = 'pipe:[' || CAST(substr(r.stderr,
        7) AS INTEGER) || ']' THEN -CAST(substr(r.stderr, 7) AS INTEGER) ELSE ifnull((SELECT
        s.id FROM strings AS s WHERE s.text = r.stderr), r.stderr) END,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.environment), r.environment),
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.error), r.error),
    r.truncated, r.argv_length
FROM execs AS r;
DROP TABLE execs;
DROP INDEX images_by_all;

INSERT INTO edge_rows (
    id, host_id, at, last_after, count, kind, src, dst, connection_id, file_id, detail, open
) SELECT
    r.id, r.host_id, r.at,
    r.last_at - r.at,
    r.count,
    CASE r.kind WHEN 'fork' THEN 0 WHEN 'connect' THEN 1 WHEN 'unix' THEN 2 WHEN 'pipe' THEN 3
        WHEN 'file' THEN 4 WHEN 'fdpass' THEN 5 WHEN 'ptrace' THEN 6 WHEN 'inject' THEN 7 WHEN
        'signal' THEN 8 WHEN 'runtime' THEN 9 ELSE r.kind END,
    r.src, r.dst, r.connection_id, r.file_id,
    CASE WHEN r.detail GLOB 'pipe:[[][1-9]*]' AND r.detail = 'pipe:[' || CAST(substr(r.detail,
        7) AS INTEGER) || ']' THEN -CAST(substr(r.detail, 7) AS INTEGER) ELSE ifnull((SELECT
        s.id FROM strings AS s WHERE s.text = r.detail), r.detail) END,
    r.open
FROM edges AS r;
DROP TABLE edges;

INSERT INTO connection_rows (
    id, host_id, process_id, protocol, direction, local_address, local_port, remote_address,
    remote_port, remote_name, started_at, established_after, ended_at, state, error, bytes_sent,
    bytes_received, listener_id, peer_offset, peer_process_id, net_ns_offset, origin, cookie, inode
) SELECT
    r.id, r.host_id, r.process_id,
    CASE r.protocol WHEN 'tcp' THEN 0 WHEN 'udp' THEN 1 ELSE r.protocol END,
    CASE r.direction WHEN 'out' THEN 0 WHEN 'in' THEN 1 ELSE r.direction END,
    r.local_address, r.local_port, r.remote_address, r.remote_port,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.remote_name), r.remote_name),
    r.started_at,
    r.established_at - coalesce(r.started_at, 0),
    r.ended_at,
    CASE r.state WHEN 'closed' THEN 0 WHEN 'open' THEN 1 WHEN 'connecting' THEN 2 WHEN 'refused'
        THEN 3 WHEN 'timeout' THEN 4 WHEN 'unreachable' THEN 5 WHEN 'reset' THEN 6 WHEN 'failed'
        THEN 7 ELSE r.state END,
    ifnull((SELECT s.id FROM strings AS s WHERE s.text = r.error), r.error),
    r.bytes_sent, r.bytes_received, r.listener_id,
    r.peer_id - r.id,
    r.peer_process_id,
    r.net_ns - 4026531840,
    CASE r.origin WHEN 'event' THEN 0 WHEN 'scan' THEN 1 WHEN 'inferred' THEN 2 ELSE r.origin
        END,
    r.cookie, r.inode
FROM connections AS r;
DROP TABLE connections;

DROP INDEX strings_by_text;

-- Whoever holds the graph in memory has to read it anew.
DELETE FROM changes;
