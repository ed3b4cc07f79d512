-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: sudoedit-overflow
-- title: sudoedit told to unescape a lone backslash
-- severity: critical
-- techniques: T1068
-- tactics: privilege-escalation
-- description: The arguments are those of an overflow in sudo (CVE-2021-3156).
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('sudo', 'sudoedit')
  AND arg(e.argv, 0) LIKE '%sudoedit' AND e.argv LIKE '%"-s"%' AND e.argv LIKE '%\\\\"%'
