-- Execs of the batch above ?1: who runs what. Who is the parent is another question.
SELECT coalesce(p.user, e.uid), e.exe, e.at, e.process_id, p.parent_id
FROM temp.batch_execs AS e
CROSS JOIN main.processes AS p ON p.id = e.process_id
WHERE e.id > ?1 AND e.error IS NULL AND e.exe IS NOT NULL
