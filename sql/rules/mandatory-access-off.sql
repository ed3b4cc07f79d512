-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: mandatory-access-off
-- title: SELinux or AppArmor switched off
-- severity: high
-- techniques: T1685 T1562.001
-- tactics: defense-evasion
-- description: Mandatory access control was switched off or a profile of it removed.
-- benign: administrators who look for the cause of a refusal.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('setenforce', 'aa-disable', 'aa-teardown', 'aa-complain', 'apparmor_parser',
                          'systemctl')
  AND ((basename(e.exe) = 'setenforce' AND lower(e.argv) REGEXP '"(0|permissive)"')
      OR basename(e.exe) IN ('aa-disable', 'aa-teardown')
       OR (basename(e.exe) = 'apparmor_parser' AND e.argv REGEXP '"(-R|--remove)"')
       OR (basename(e.exe) = 'systemctl' AND e.argv REGEXP '"(stop|disable|mask)"'
           AND e.argv LIKE '%"apparmor%'))
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
