-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-on-socket
-- title: Shell with a network connection for its input and output
-- severity: critical
-- techniques: T1059.004 T1095
-- tactics: execution command-and-control
-- description: A shell or an interpreter was executed with a socket of a connection as its standard
--   input and output: whoever is at the other end types into it. This is what reverse shells and
--   bind shells are.
-- benign: inetd and socket-activated services that are shell scripts; rshd.
SELECT e.process_id, e.id AS exec_id, c.id AS connection_id,
       'stdin and stdout are ' || e.stdin ||
       coalesce(', connected to ' || c.remote_address || ' port ' || c.remote_port, '') AS detail
FROM new_execs AS e
LEFT JOIN connections AS c
  ON c.id = (SELECT max(h.id)
             FROM connections AS h
             WHERE h.process_id IN (e.process_id,
                                    (SELECT parent_id FROM processes WHERE id = e.process_id))
               AND h.inode = CAST(substr(e.stdin, 9) AS INTEGER))
WHERE e.error IS NULL
  AND e.stdin LIKE 'socket:[%' AND e.stdout = e.stdin
  AND basename(e.exe) IN ('sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'busybox', 'fish', 'tcsh')
  AND c.id IS NOT NULL
