-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: large-upload
-- title: Much sent by a tool for transfers
-- severity: low
-- techniques: T1048 T1567
-- tactics: exfiltration
-- description: A transfer tool sent more than 50 MiB over one connection, more than it received.
-- benign: backups and uploads.
SELECT c.process_id, c.id AS connection_id, p.comm || ' sent ' || c.bytes_sent || ' bytes to '
    || coalesce(c.remote_name, c.remote_address) AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.bytes_sent > 52428800 AND c.bytes_sent > coalesce(c.bytes_received, 0)
  AND basename(p.exe) IN ('curl', 'wget', 'nc', 'ncat', 'nc.openbsd', 'socat', 'ftp', 'rclone',
      'busybox', 'openssl', 'tftp')
