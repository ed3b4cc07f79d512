-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: made-immutable
-- title: File made immutable
-- severity: medium
-- techniques: T1222.002
-- tactics: defense-evasion
-- description: chattr made a file immutable or appendable only, so that even root can not remove
--   it.
-- benign: hardening scripts.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) = 'chattr'
  AND e.argv REGEXP '"[+=][a-zA-Z]*[ia]'
