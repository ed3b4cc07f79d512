-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: injected-into-process
-- title: Code or data written into another process
-- severity: high
-- techniques: T1055 T1055.008 T1055.009
-- tactics: defense-evasion privilege-escalation
-- description: A process wrote into another's memory, by ptrace, process_vm_writev or
--   /proc/PID/mem, and is no debugger.
-- benign: debuggers, checkpointing tools and sandboxes.
SELECT e.src AS process_id, e.id AS edge_id,
       w.comm || ' wrote into ' || v.comm || ' (pid ' || v.pid || ') by ' || e.detail AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS v ON v.id = e.dst
WHERE e.kind = 'inject'
  AND basename(w.exe) NOT IN (SELECT name FROM known_programs WHERE kind = 'debugger')
  AND coalesce(v.parent_id, 0) <> w.id
