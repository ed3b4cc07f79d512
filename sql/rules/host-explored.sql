-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: host-explored
-- title: Host explored by hand
-- severity: medium
-- techniques: T1082 T1033 T1057 T1049 T1016
-- tactics: discovery
-- description: A shell that is no script's ran six or more different commands that tell of the
--   host, its users and its network, within a minute.
-- benign: administrators at the start of a session; reports for support.
SELECT e.process_id, e.id AS exec_id, basename(e.exe) || ' was the sixth or a later one' AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
JOIN processes AS parent ON parent.id = p.parent_id
WHERE e.error IS NULL
  AND basename(e.exe) IN ('id', 'whoami', 'uname', 'hostname', 'ps', 'netstat', 'ss', 'ip',
      'ifconfig', 'lsof', 'last', 'lastlog', 'w', 'who',
                                  'env', 'arp', 'route', 'df', 'mount', 'lscpu', 'lsblk', 'getent',
                                      'groups', 'dmidecode', 'lsmod',
                                  'sudo', 'crontab', 'systemctl', 'getcap', 'nproc', 'uptime')
  AND basename(parent.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
  AND 6 <= (SELECT count(DISTINCT x.exe)
            FROM processes AS s
            JOIN execs AS x ON x.process_id = s.id
            WHERE s.parent_id = p.parent_id AND x.error IS NULL
              AND x.at BETWEEN e.at - 60000000000 AND e.at
              AND basename(x.exe) IN ('id', 'whoami', 'uname', 'hostname', 'ps', 'netstat', 'ss',
                  'ip', 'ifconfig', 'lsof', 'last', 'lastlog', 'w', 'who',
                                  'env', 'arp', 'route', 'df', 'mount', 'lscpu', 'lsblk', 'getent',
                                      'groups', 'dmidecode', 'lsmod',
                                  'sudo', 'crontab', 'systemctl', 'getcap', 'nproc', 'uptime'))
  AND NOT EXISTS (SELECT 1 FROM execs AS own WHERE own.process_id = parent.id
      AND own.script IS NOT NULL)
