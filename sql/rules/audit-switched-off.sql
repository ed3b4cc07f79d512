-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: audit-switched-off
-- title: Audit switched off or its rules removed
-- severity: critical
-- techniques: T1685 T1562.001 T1562.012
-- tactics: defense-evasion
-- description: auditctl was told to stop auditing or to forget its rules.
-- benign: reloading of rules: augenrules runs auditctl -R.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) = 'auditctl'
  AND e.argv REGEXP '"-e","0"|"-e0"|"-D"'
