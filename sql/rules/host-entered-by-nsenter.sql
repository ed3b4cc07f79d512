-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: host-entered-by-nsenter
-- title: Namespaces of the first process entered
-- severity: high
-- techniques: T1611
-- tactics: privilege-escalation
-- description: nsenter was told to enter the namespaces of process 1.
-- benign: administrators on hosts whose shell lives in a container.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) = 'nsenter'
  AND e.argv REGEXP '"(-t|--target)","1"|"--target=1"|"-t1"'
