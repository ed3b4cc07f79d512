-- name: container-visitors
-- description: processes that came into a container from outside, such as by docker exec
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT p.id, p.started_at, k.name AS container, k.image, p.pid, p.user, p.cmdline,
       o.exe AS from_program
FROM processes AS p
CROSS JOIN processes AS o ON o.id = p.parent_id
CROSS JOIN containers AS k ON k.container_id = p.container_id
WHERE p.started_at BETWEEN :since AND :until AND coalesce(k.runtime, '') <> 'systemd'
  AND o.container_id IS NOT p.container_id
  AND p.id <> coalesce(k.root_process_id, 0)
ORDER BY +p.id
