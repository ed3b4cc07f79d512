-- name: kernel-changes
-- description: modules and BPF programs that were loaded into the kernel, or removed
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT v.id, v.at, v.kind, coalesce(v.new ->> '$.name', v.old ->> '$.name') AS name,
       v.new ->> '$.file' AS file, v.new IS NULL AS removed, p.user, p.cmdline,
       chain(v.process_id) AS chain
FROM privileges AS v
LEFT JOIN processes AS p ON p.id = v.process_id
WHERE v.at BETWEEN :since AND :until AND v.kind IN ('module', 'bpf')
ORDER BY v.id
