-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: debugger-writes-into-daemon
-- title: Debugger that writes into a process of another session
-- severity: medium
-- techniques: T1055.008
-- tactics: defense-evasion credential-access
-- description: A debugger wrote into a process that it has not started and that belongs to another
--   session, service or container.
-- benign: people who debug a service.
SELECT e.src AS process_id, e.id AS edge_id,
       w.comm || ' wrote into ' || v.comm || ' (pid ' || v.pid || ') by ' || e.detail AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS v ON v.id = e.dst
WHERE e.kind = 'inject' AND v.trace_id <> w.trace_id
  AND basename(w.exe) IN (SELECT name FROM known_programs WHERE kind = 'debugger')
  AND NOT EXISTS (SELECT 1 FROM ancestors(v.id) AS a WHERE a.process_id = w.id)
