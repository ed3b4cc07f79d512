-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: entered-container
-- title: Somebody went into a running container
-- severity: low
-- techniques: T1609
-- tactics: execution
-- description: A process was put into a container that was running already (docker exec, kubectl
--   exec, nsenter).
-- benign: administration; health checks by exec.
SELECT e.dst AS process_id, e.id AS edge_id, e.detail AS detail
FROM new_edges AS e
WHERE e.kind = 'runtime' AND e.detail IN ('exec', 'nsenter')
