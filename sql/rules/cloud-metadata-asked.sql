-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: cloud-metadata-asked
-- title: Metadata of the cloud asked for by no agent
-- severity: medium
-- techniques: T1552.005
-- tactics: credential-access
-- description: A process connected to the address at which clouds hand out credentials, and is none
--   of their agents.
-- benign: scripts of administrators.
SELECT c.process_id, c.id AS connection_id, p.comm || ' asked ' || c.remote_address AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.remote_address IN ('169.254.169.254', 'fd00:ec2::254', '169.254.170.2')
  AND (basename(p.exe) IN (SELECT name FROM known_programs WHERE kind IN ('downloader', 'shell'))
       OR p.exe REGEXP '^(/tmp|/var/tmp|/dev/shm|/home|/var/www)/')
