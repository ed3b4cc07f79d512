-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: second-root
-- title: Account created with the user id of root
-- severity: critical
-- techniques: T1136.001 T1098
-- tactics: persistence privilege-escalation
-- description: useradd or usermod was told to give an account the user id 0.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND basename(e.exe) IN ('useradd', 'usermod')
  AND e.argv REGEXP '"(-[a-zA-Z]*u|--uid)","0"|"--uid=0"|"-[a-zA-Z]*u0"'
