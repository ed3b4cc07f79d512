-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: explored-through-shell-from-outside
-- title: Host explored through a shell that somebody outside types into
-- severity: critical
-- techniques: T1082 T1033 T1059.004
-- tactics: discovery execution command-and-control
-- description: A command that tells of the host, its users or its network was run by a shell whose
--   standard input is a connection, or below a network server's shell.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
JOIN execs AS shell ON shell.id = (SELECT max(id) FROM execs WHERE process_id = p.parent_id
    AND error IS NULL)
WHERE e.error IS NULL
  AND basename(e.exe) IN ('id', 'whoami', 'uname', 'hostname', 'ps', 'netstat', 'ss', 'ip',
      'ifconfig', 'lsof', 'last', 'lastlog', 'w', 'who',
                                  'env', 'arp', 'route', 'df', 'mount', 'lscpu', 'lsblk', 'getent',
                                      'groups', 'dmidecode', 'lsmod',
                                  'sudo', 'crontab', 'systemctl', 'getcap', 'nproc', 'uptime')
  AND basename(shell.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
  AND shell.stdin LIKE 'socket:[%' AND shell.stdout = shell.stdin
  AND EXISTS (SELECT 1 FROM connections AS c
              WHERE c.inode = CAST(substr(shell.stdin, 9) AS INTEGER)
                AND c.process_id IN (p.parent_id,
                    (SELECT parent_id FROM processes WHERE id = p.parent_id)))
