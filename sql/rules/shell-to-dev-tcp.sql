-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-to-dev-tcp
-- title: Shell told to open a connection as a file
-- severity: high
-- techniques: T1059.004 T1095
-- tactics: execution command-and-control
-- description: The arguments of a shell name /dev/tcp or /dev/udp, by which bash opens connections.
-- benign: health checks that ask whether a port is open.
SELECT e.process_id, e.id AS exec_id, substr(e.argv, 1, 300) AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
  AND e.argv REGEXP '/dev/(tcp|udp)/'
  AND e.argv REGEXP '(0>&1|>& */dev|<> */dev|exec [0-9]+<>|0<&[0-9])'
