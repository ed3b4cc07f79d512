-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: capabilities-given-to-file
-- title: File given capabilities
-- severity: medium
-- techniques: T1548
-- tactics: privilege-escalation persistence
-- description: setcap gave a file a capability by which its user may become root.
-- benign: installations of network tools and virtual machine monitors, which use others.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) = 'setcap'
  AND lower(e.argv) REGEXP 'cap_(setuid|setgid|sys_admin|sys_ptrace|dac_override'
      || '|dac_read_search|sys_module|chown|fowner)'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
