-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: scanner-run
-- title: Network scanner run
-- severity: medium
-- techniques: T1046 T1595
-- tactics: discovery reconnaissance
-- description: A program that scans networks was run.
-- benign: administrators of networks.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('nmap', 'masscan', 'zmap', 'rustscan', 'naabu', 'fscan', 'unicornscan')
  AND e.argc > 1
