-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: run-from-shared-memory
-- title: Program run from shared memory
-- severity: high
-- techniques: T1059 T1620
-- tactics: execution defense-evasion
-- description: The file that was executed lies in /dev/shm, a memory file system that no package
--   installs programs to.
-- benign: none known; some test suites.
SELECT e.process_id, e.id AS exec_id, coalesce(e.script, e.exe) AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND (e.exe LIKE '/dev/shm/%' OR e.exe LIKE '/run/shm/%')
UNION ALL
SELECT e.process_id, e.id, e.script
FROM new_execs AS e
WHERE e.error IS NULL AND e.script IS NOT NULL AND e.script LIKE '/dev/shm/%'
