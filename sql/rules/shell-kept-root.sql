-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-kept-root
-- title: Shell run with the rights of a setuid file
-- severity: high
-- techniques: T1548.001
-- tactics: privilege-escalation
-- description: A shell runs with another effective user than its real one, as after the setuid bit
--   of a shell and the option -p.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.exe || ' of user ' || e.uid || ' acts as ' || e.euid AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.uid <> e.euid
  AND basename(e.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
