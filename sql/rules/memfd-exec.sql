-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: memfd-exec
-- title: Program run out of memory, without a file
-- severity: high
-- techniques: T1620 T1027.011
-- tactics: defense-evasion execution
-- description: The program that was executed lies in an anonymous file in memory (memfd), so that no
--   disk ever held it.
-- benign: runc and crun, which run a sealed copy of themselves; snap's and flatpak's helpers.
SELECT e.process_id, e.id AS exec_id, 'runs ' || coalesce(e.exe, e.filename) AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
LEFT JOIN processes AS parent ON parent.id = p.parent_id
WHERE e.memfd = 1 AND e.error IS NULL
  AND coalesce(e.exe, '') NOT LIKE '%memfd:runc_cloned:%'
  AND coalesce(e.exe, '') NOT LIKE '%memfd:crun_cloned:%'
  AND coalesce(parent.comm, '') NOT IN ('runc', 'crun', 'containerd-shim', 'conmon')
