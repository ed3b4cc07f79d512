-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: preloaded-library
-- title: Program started with a library of a temporary place preloaded
-- severity: high
-- techniques: T1574.006
-- tactics: defense-evasion persistence privilege-escalation
-- description: LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH of an executed program names a path that
--   everybody may write.
-- benign: tests and tracing tools that preload a library they have just built.
SELECT e.process_id, e.id AS exec_id, e.environment AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.environment IS NOT NULL
  AND (json_extract(e.environment, '$.LD_PRELOAD') REGEXP '(^|[: ])(/tmp|/var/tmp|/dev/shm)/'
       OR json_extract(e.environment, '$.LD_AUDIT') REGEXP '(^|[: ])(/tmp|/var/tmp|/dev/shm)/')
