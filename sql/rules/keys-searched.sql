-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: keys-searched
-- title: Private keys or tokens searched for
-- severity: medium
-- techniques: T1552.004 T1552.001
-- tactics: credential-access
-- description: A search for files or text looks for private keys, or for credentials of clouds and
--   tools.
-- benign: secret scanners.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('find', 'grep', 'egrep', 'fgrep', 'rg', 'locate', 'ag')
  AND e.argv REGEXP 'id_rsa|id_ed25519|id_ecdsa|BEGIN [A-Z ]*PRIVATE KEY|\.aws/credentials'
      || '|\.kube/config|\.docker/config|\.pgpass|\.netrc|aws_secret_access_key|\.git-credentials'
