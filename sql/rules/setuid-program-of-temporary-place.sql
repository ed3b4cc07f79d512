-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: setuid-program-of-temporary-place
-- title: Setuid program run from a place for data
-- severity: critical
-- techniques: T1548.001
-- tactics: privilege-escalation
-- description: A program outside the folders for programs changed the effective user by its setuid
--   bit.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.exe AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.setuid = 1
  AND e.exe REGEXP '^(/tmp|/var/tmp|/dev/shm|/home|/var/www|/run|/mnt|/media)/'
