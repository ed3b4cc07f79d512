-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: ssh-from-server
-- title: ssh or a password tool started below a network server
-- severity: high
-- techniques: T1021.004 T1570
-- tactics: lateral-movement
-- description: Below a web or database server, something started a program that logs in to or
--   copies to other hosts.
-- benign: deployment and replication scripts of such servers.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('ssh', 'scp', 'sftp', 'sshpass', 'rsync', 'smbclient', 'winexe',
      'psexec', 'telnet')
  AND EXISTS (SELECT 1
              FROM ancestors(e.process_id) AS a
              JOIN processes AS s ON s.id = a.process_id
              WHERE a.depth > 0
                AND rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                              WHERE kind = 'server'))
