-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: accounts-changed
-- title: Accounts changed by no tool for it
-- severity: high
-- techniques: T1136.001 T1098
-- tactics: persistence privilege-escalation
-- description: The file of users, groups or passwords was written by a program that is not made for
--   it.
-- benign: editors of administrators, and restored backups.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('accounts') AND f.op IN ('write', 'rename', 'link')
  AND f.path IN ('/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow')
  AND NOT EXISTS (SELECT 1 FROM processes AS s WHERE s.id = f.process_id
                  AND basename(s.exe) IN ('useradd', 'usermod', 'userdel', 'groupadd', 'groupmod',
                      'groupdel',
                                          'passwd', 'chpasswd', 'chage', 'chfn', 'chsh', 'gpasswd',
                                              'vipw',
                                          'systemd-sysusers', 'adduser', 'deluser', 'pwck',
                                              'grpck', 'pwconv',
                                          'grpconv', 'newusers', 'login', 'sshd')
                  AND (s.exe LIKE '/usr/%' OR s.exe LIKE '/bin/%' OR s.exe LIKE '/sbin/%'))
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
