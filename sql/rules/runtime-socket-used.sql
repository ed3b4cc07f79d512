-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: runtime-socket-used
-- title: Container runtime asked from inside a container
-- severity: critical
-- techniques: T1611 T1610
-- tactics: privilege-escalation execution
-- description: A process in a container connected to the socket of the runtime, which may start
--   anything on the host.
-- benign: containers that manage others, such as build agents, monitoring and proxies.
SELECT e.src AS process_id, e.id AS edge_id, e.detail AS detail
FROM new_edges AS e
JOIN processes AS p ON p.id = e.src
WHERE e.kind = 'unix'
    AND EXISTS (SELECT 1 FROM containers WHERE container_id = p.container_id AND runtime <> 'systemd')
  AND e.detail REGEXP '/(docker|containerd|crio|podman)(/[a-z]+)?\.sock$'
