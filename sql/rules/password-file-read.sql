-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: password-file-read
-- title: File of password hashes named as an argument
-- severity: high
-- techniques: T1003.008
-- tactics: credential-access
-- description: A tool that reads, copies or sends files was told to take the file of password
--   hashes.
-- benign: backups and audits of passwords.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('cat', 'less', 'more', 'head', 'tail', 'cp', 'scp', 'curl', 'base64', 'xxd',
                          'od', 'strings', 'grep', 'awk', 'gawk', 'mawk', 'sed', 'tar', 'dd', 'tee',
                          'python3', 'unshadow', 'john', 'nc', 'openssl', 'rsync', 'cut')
  AND e.argv REGEXP '(/etc/(shadow|gshadow|master\.passwd)-?|/var/backups/shadow)([^.a-z-]|$)'
  AND e.argv NOT REGEXP '\.dpkg-|\.rpm(new|save)'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
