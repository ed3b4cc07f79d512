-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: history-removed
-- title: History of a shell removed or kept from being written
-- severity: medium
-- techniques: T1070.003 T1562.003 T1690
-- tactics: defense-evasion
-- description: A history file was removed, linked to nowhere or emptied; or a shell was started
--   with HISTFILE set to nowhere.
-- benign: privacy-minded users.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('rm', 'shred', 'truncate', 'ln', 'unlink', 'dd', 'cp', 'chattr')
  AND e.argv REGEXP '/\.(bash|zsh|sh|ash|python|mysql|psql|lesshst)_?history"'
UNION ALL
SELECT e.process_id, e.id, e.argv
FROM new_execs AS e
WHERE e.error IS NULL AND e.environment IS NOT NULL
  AND json_extract(e.environment, '$.HISTFILE') IN ('/dev/null', '')
