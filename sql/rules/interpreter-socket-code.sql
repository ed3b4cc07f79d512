-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: interpreter-socket-code
-- title: Interpreter told on its command line to open sockets and start shells
-- severity: high
-- techniques: T1059 T1059.006
-- tactics: execution command-and-control
-- description: The program text on an interpreter's command line names sockets as well as shells or
--   duplicated descriptors: what reverse and bind shells in one line look like.
-- benign: demonstrations and tests of network programs.
SELECT e.process_id, e.id AS exec_id, substr(e.argv, 1, 300) AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND rtrim(basename(e.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                WHERE kind IN ('interpreter'))
  AND e.argv REGEXP '"-[a-zA-Z]*[cer]"'
  AND lower(e.argv) REGEXP '(socket|fsockopen|tcpsocket|/inet/tcp|io::socket)'
  AND lower(e.argv) REGEXP '(dup2|pty\.spawn|/bin/(ba|da|z)?sh|subprocess|exec)'
