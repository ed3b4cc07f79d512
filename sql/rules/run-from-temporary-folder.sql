-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: run-from-temporary-folder
-- title: Program run from a folder that everybody may write
-- severity: low
-- techniques: T1204.002
-- tactics: execution
-- description: The file that was executed lies in /tmp, /var/tmp or /dev/shm.
-- benign: builds, tests and installers unpack programs there.
SELECT e.process_id, e.id AS exec_id, coalesce(e.script, e.exe) AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND (e.exe LIKE '/tmp/%' OR e.exe LIKE '/var/tmp/%')
UNION ALL
SELECT e.process_id, e.id, e.script
FROM new_execs AS e
WHERE e.error IS NULL AND e.script IS NOT NULL
  AND (e.script LIKE '/tmp/%' OR e.script LIKE '/var/tmp/%')
