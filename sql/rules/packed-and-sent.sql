-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: packed-and-sent
-- title: Archive sent as it is made
-- severity: medium
-- techniques: T1560.001 T1041 T1048
-- tactics: collection exfiltration
-- description: A program that packs or encrypts files wrote into a pipe, and what read it there
--   sent it over a connection.
-- benign: backups over the network.
SELECT e.src AS process_id, e.id AS edge_id, c.id AS connection_id,
       w.cmdline || ' to ' || coalesce(c.remote_name, c.remote_address) AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS s ON s.id = e.dst
JOIN connections AS c ON c.process_id = s.id AND c.direction = 'out' AND c.remote_port <> 53
WHERE e.kind = 'pipe'
  AND basename(w.exe) IN ('tar', 'zip', 'gzip', 'xz', 'bzip2', 'zstd', '7z', 'openssl', 'gpg',
      'base64', 'cat', 'dd')
  AND (basename(s.exe) IN ('curl', 'wget', 'nc', 'ncat', 'nc.openbsd', 'nc.traditional', 'socat')
       OR (basename(s.exe) = 'busybox' AND s.cmdline REGEXP '(^|/| )(nc|wget)( |$)'))
