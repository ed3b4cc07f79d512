-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: password-on-command-line-login
-- title: Login with a password from the command line
-- severity: medium
-- techniques: T1021.004 T1078
-- tactics: lateral-movement
-- description: A tool that logs in to another host was given a password.
-- benign: automation of devices that know no keys.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('sshpass', 'plink')
  AND e.argc > 1
