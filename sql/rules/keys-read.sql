-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: keys-read
-- title: Private key or credentials of another tool read
-- severity: medium
-- techniques: T1552.004 T1552.001
-- tactics: credential-access
-- description: A tool that reads, copies or sends files was told to take a private key or another
--   tool's credentials.
-- benign: people who copy their own keys.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('cat', 'less', 'head', 'tail', 'cp', 'base64', 'xxd', 'strings', 'tar', 'dd',
                          'curl', 'nc', 'openssl', 'scp')
  AND e.argv REGEXP '/\.ssh/id_(rsa|dsa|ecdsa|ed25519)"|/\.aws/credentials"|/\.kube/config"'
      || '|/\.docker/config\.json"|/var/run/secrets/kubernetes\.io/serviceaccount/token'
      || '|/etc/kubernetes/admin\.conf|/etc/krb5\.keytab"'
