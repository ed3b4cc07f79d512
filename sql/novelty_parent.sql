-- What the process ?1 was at ?2.
SELECT coalesce((SELECT exe FROM main.execs
                 WHERE process_id = ?1 AND at <= ?2 AND error IS NULL
                 ORDER BY at DESC LIMIT 1),
                (SELECT exe FROM main.processes WHERE id = ?1))
