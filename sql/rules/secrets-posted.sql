-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: secrets-posted
-- title: File of secrets sent to a server
-- severity: critical
-- techniques: T1041 T1048 T1003.008
-- tactics: exfiltration credential-access
-- description: A transfer tool was told to send a file of password hashes or a private key.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND basename(e.exe) IN ('curl', 'wget', 'nc', 'ncat', 'scp', 'rsync', 'ftp',
    'tftp', 'socat')
  AND e.argv REGEXP '[@"= ](/etc/g?shadow|/[^" ]*/\.ssh/id_[a-z0-9]+|/[^" ]*/\.aws/credentials'
      || '|/etc/krb5\.keytab)"'
