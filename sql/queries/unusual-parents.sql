-- name: unusual-parents
-- description: programs started by a program that had never started them before
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- key: parent exe
-- The recorder counts who starts what, and since when (pairs): of what it knows no row is looked for.
-- Where it was told not to, as much is read as that program has ever run.
WITH started AS MATERIALIZED (
    SELECT min(child.id) AS id, min(child.started_at) AS at, child.exe AS exe, parent.exe AS parent
    FROM processes AS child
    CROSS JOIN processes AS parent ON parent.id = child.parent_id
    WHERE child.started_at BETWEEN :since AND :until AND child.exe <> parent.exe
    GROUP BY child.exe, parent.exe),
known AS MATERIALIZED (
    SELECT n.id, n.at, n.exe, n.parent, (SELECT min(k.first_at) FROM pairs AS k
        WHERE k.a = n.parent AND k.b = n.exe AND k.kind = 'parent-child') AS first_at
    FROM started AS n)
SELECT n.id, n.at, n.parent, n.exe, p.cmdline, p.user, chain(n.id) AS chain
FROM known AS n
CROSS JOIN processes AS p ON p.id = n.id
WHERE CASE WHEN n.first_at IS NOT NULL THEN n.first_at >= :since
           ELSE NOT EXISTS (SELECT 1 FROM processes AS c
                            CROSS JOIN processes AS f ON f.id = c.parent_id
                            WHERE c.exe = n.exe AND c.started_at < :since AND f.exe = n.parent) END
ORDER BY n.id
