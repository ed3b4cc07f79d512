-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-by-pipes
-- title: Shell fed by a process that holds a connection
-- severity: critical
-- techniques: T1059.004 T1095
-- tactics: execution command-and-control
-- description: What a shell or a command of its wrote went through a pipe into a process with a
--   connection, and what that process wrote came back to the shell, at most through one other: a
--   shell that somebody types into from elsewhere, such as nc with a fifo.
-- benign: none known; downloads that are piped into a shell go one way only.
SELECT s.id AS process_id, e.id AS edge_id, c.id AS connection_id,
       w.comm || ' carries what the shell reads and writes, with ' || c.remote_address || ' port ' ||
       c.remote_port AS detail
FROM new_edges AS e
JOIN processes AS o ON o.id = e.src
JOIN processes AS s ON s.id IN (o.id, o.parent_id)
JOIN processes AS w ON w.id = e.dst
JOIN connections AS c ON c.process_id = w.id AND c.established_at IS NOT NULL AND c.protocol = 'tcp'
WHERE e.kind = 'pipe'
  AND basename(s.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
  AND (EXISTS (SELECT 1 FROM edges AS back
               WHERE back.src = w.id AND back.dst = s.id AND back.kind = 'pipe')
       OR EXISTS (SELECT 1
                  FROM edges AS there
                  JOIN edges AS back ON back.src = there.dst
                  WHERE there.src = w.id AND there.kind = 'pipe'
                    AND back.dst = s.id AND back.kind = 'pipe'))
