-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: setuid-files-searched
-- title: Setuid files or capabilities searched for
-- severity: medium
-- techniques: T1083 T1548.001
-- tactics: discovery privilege-escalation
-- description: The whole file system was searched for programs that run with others' rights.
-- benign: audits of security.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('find', 'getcap')
  AND ((basename(e.exe) = 'find' AND e.argv REGEXP '"-perm","[-/]?(u=s|g=s|[0-7]*[246][0-7]{3}'
      || '|[0-7]*u\+s)"') OR (basename(e.exe) = 'getcap' AND e.argv LIKE '%"-r"%'))
  AND e.argv REGEXP '"/(usr)?/?"'
