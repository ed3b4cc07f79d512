-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: interpreter-on-socket
-- title: Interpreter with a network connection for its input and output
-- severity: high
-- techniques: T1059 T1095
-- tactics: execution command-and-control
-- description: A scripting language was executed with a socket of a connection as its standard
--   input and output.
-- benign: socket-activated services and inetd services that are scripts.
SELECT e.process_id, e.id AS exec_id, c.id AS connection_id,
       'stdin and stdout are connected to ' || c.remote_address || ' port ' || c.remote_port AS detail
FROM new_execs AS e
JOIN connections AS c
  ON c.id = (SELECT max(h.id)
             FROM connections AS h
             WHERE h.process_id IN (e.process_id,
                                    (SELECT parent_id FROM processes WHERE id = e.process_id))
               AND h.inode = CAST(substr(e.stdin, 9) AS INTEGER))
WHERE e.error IS NULL
  AND e.stdin LIKE 'socket:[%' AND e.stdout = e.stdin
  AND rtrim(basename(e.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                WHERE kind = 'interpreter')
