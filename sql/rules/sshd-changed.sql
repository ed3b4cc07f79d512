-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: sshd-changed
-- title: Settings of sshd changed
-- severity: medium
-- techniques: T1098.004 T1556
-- tactics: persistence credential-access
-- description: The configuration of sshd, or a script that it runs at logins, was written.
-- benign: administrators, and configuration management.
SELECT f.process_id, f.id AS file_id, f.path AS detail
FROM new_files AS f
WHERE f.place = 'ssh' AND f.op IN ('write', 'rename', 'link') AND f.path NOT LIKE '%authorized_keys%'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
