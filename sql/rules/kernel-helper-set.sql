-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: kernel-helper-set
-- title: Program set that the kernel runs as root
-- severity: critical
-- techniques: T1611 T1546
-- tactics: privilege-escalation persistence
-- description: The arguments or the text of a shell write into core_pattern, release_agent,
--   modprobe or uevent_helper, which name programs that the kernel itself runs.
-- benign: installation of crash handlers.
SELECT e.process_id, e.id AS exec_id, substr(e.argv, 1, 300) AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND (basename(e.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
      OR basename(e.exe) IN ('tee', 'sysctl', 'dd', 'cp'))
  AND (e.argv REGEXP '(>|"tee"|of=).{0,40}/(core_pattern|release_agent|uevent_helper|kernel/modprobe)'
       OR (basename(e.exe) = 'tee' AND e.argv REGEXP '/(core_pattern|release_agent'
           || '|uevent_helper|kernel/modprobe)"')
       OR e.argv REGEXP 'kernel\.(core_pattern|modprobe)=')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
