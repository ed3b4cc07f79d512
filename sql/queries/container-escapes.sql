-- name: container-escapes
-- description: what in a container can lead out of it: namespaces, mounts, modules, BPF
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT v.id, v.at, k.name AS container, k.image, v.kind, v.old, v.new, p.pid, p.user, p.cmdline,
       chain(v.process_id) AS chain
FROM privileges AS v
CROSS JOIN processes AS p ON p.id = v.process_id
CROSS JOIN containers AS k ON k.container_id = p.container_id
WHERE v.at BETWEEN :since AND :until AND coalesce(k.runtime, '') <> 'systemd'
  AND v.kind IN ('setns', 'mount', 'module', 'bpf', 'chroot')
  AND v.process_id <> coalesce(k.root_process_id, 0)
ORDER BY +v.id
