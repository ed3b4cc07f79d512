-- What a rule's row leaves out, from the rows that it names: ?1 process, ?2 exec, ?3 connection,
-- ?4 file, ?5 edge, ?6 time. Gives the process, the time, the process' trace and host.
SELECT n.process_id,
       coalesce(?6,
                (SELECT at FROM execs WHERE id = ?2),
                (SELECT started_at FROM connections WHERE id = ?3),
                (SELECT last_at FROM edges WHERE id = ?5),
                (SELECT coalesce(last_at, at) FROM files WHERE id = ?4),
                (SELECT started_at FROM processes WHERE id = n.process_id)),
       (SELECT trace_id FROM processes WHERE id = n.process_id),
       coalesce((SELECT host_id FROM processes WHERE id = n.process_id),
                (SELECT host_id FROM connections WHERE id = ?3))
FROM (SELECT coalesce(?1,
                      (SELECT process_id FROM execs WHERE id = ?2),
                      (SELECT process_id FROM connections WHERE id = ?3),
                      (SELECT dst FROM edges WHERE id = ?5),
                      (SELECT process_id FROM files WHERE id = ?4)) AS process_id) AS n
