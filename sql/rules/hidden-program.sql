-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: hidden-program
-- title: Program run from a hidden file or folder of a temporary place
-- severity: medium
-- techniques: T1564.001
-- tactics: defense-evasion
-- description: The file that was executed lies in a folder that everybody may write, and its name
--   or a folder of its path begins with a dot.
-- benign: some build tools keep programs in hidden folders below /tmp.
SELECT e.process_id, e.id AS exec_id, coalesce(e.script, e.exe) AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.exe REGEXP '^(/tmp|/var/tmp|/dev/shm|/run/shm)/(.*/)?\.[^./]'
UNION ALL
SELECT e.process_id, e.id, e.script
FROM new_execs AS e
WHERE e.error IS NULL AND e.script IS NOT NULL
  AND e.script REGEXP '^(/tmp|/var/tmp|/dev/shm|/run/shm)/(.*/)?\.[^./]'
