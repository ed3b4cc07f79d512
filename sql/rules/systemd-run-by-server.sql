-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: systemd-run-by-server
-- title: Transient service asked for by a network server
-- severity: high
-- techniques: T1569.002 T1543.002
-- tactics: execution persistence
-- description: Something below a web or database server asked systemd or at to run a program, out
--   of the server's own tree.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('systemd-run', 'at', 'batch')
  AND EXISTS (SELECT 1
              FROM ancestors(e.process_id) AS a
              JOIN processes AS s ON s.id = a.process_id
              WHERE rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                              WHERE kind = 'server'))
