-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: systemd-unit-written
-- title: Unit of systemd written
-- severity: medium
-- techniques: T1543.002
-- tactics: persistence privilege-escalation
-- description: A unit of systemd was written, renamed or linked, by nothing that belongs to a
--   package manager.
-- benign: administrators, configuration management, and systemctl enable.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('systemd') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1 FROM processes AS s WHERE s.id = f.process_id
                  AND s.exe IN ('/usr/lib/systemd/systemd', '/lib/systemd/systemd',
                      '/usr/bin/systemctl',
                                '/bin/systemctl'))
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
