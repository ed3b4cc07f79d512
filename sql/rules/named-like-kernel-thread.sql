-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: named-like-kernel-thread
-- title: Program that calls itself a kernel thread
-- severity: critical
-- techniques: T1036.004 T1036.011 T1036
-- tactics: defense-evasion
-- description: The first argument is a name in square brackets, as tools show kernel threads, but a
--   kernel thread has no file and this one has.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, arg(e.argv, 0) || ' is ' || e.exe AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.exe IS NOT NULL AND e.argv LIKE '["[%'
  AND arg(e.argv, 0) REGEXP '^\[[a-z_]+[a-z0-9_/:.-]*\]'
