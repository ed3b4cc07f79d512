-- Execs of the batch above ?1: who starts what, and who runs what.
WITH started AS (
    SELECT e.exe, e.at, e.process_id, coalesce(p.user, e.uid) AS user,
           coalesce((SELECT x.exe FROM main.execs AS x
                     WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                     ORDER BY x.at DESC LIMIT 1),
                    (SELECT exe FROM main.processes WHERE id = p.parent_id)) AS parent_exe
    FROM temp.batch_execs AS b
    CROSS JOIN main.execs AS e ON e.id = b.id
    CROSS JOIN main.processes AS p ON p.id = e.process_id
    WHERE b.id > ?1 AND e.error IS NULL AND e.exe IS NOT NULL
)
INSERT INTO temp.sights
SELECT 'parent-child', parent_exe, exe, at, process_id FROM started WHERE parent_exe IS NOT NULL
UNION ALL
SELECT 'user-program', user, exe, at, process_id FROM started WHERE user IS NOT NULL
