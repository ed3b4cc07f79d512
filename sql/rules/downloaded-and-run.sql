-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: downloaded-and-run
-- title: Program run from a file that came over the network
-- severity: low
-- techniques: T1105 T1204.002
-- tactics: command-and-control execution
-- description: What a process wrote into a file came over one of its connections, and another process
--   executed, script-ran or loaded that file.
-- benign: package managers, language package installers, configuration management, and whoever
--   downloads a release and runs it.
SELECT e.dst AS process_id, e.id AS edge_id, f.id AS file_id, f.connection_id,
       f.path || ', written by ' || coalesce(w.comm, '?') ||
       coalesce(' from ' || coalesce(c.remote_name, c.remote_address), '') AS detail
FROM new_edges AS e
JOIN files AS f ON f.id = e.file_id
JOIN connections AS c ON c.id = f.connection_id
LEFT JOIN processes AS w ON w.id = f.process_id
WHERE e.kind = 'file'
  AND f.path NOT LIKE '/usr/%' AND f.path NOT LIKE '/var/lib/dpkg/%'
