-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: empty-argv
-- title: Setuid program run without any argument
-- severity: critical
-- techniques: T1068
-- tactics: privilege-escalation
-- description: A program that changes to another user was executed with no arguments at all, not
--   even its name. Programs that count on their name read beyond the end (CVE-2021-4034).
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.filename AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.exe IS NOT NULL
  AND (e.argc = 0 OR (e.argc = 1 AND arg(e.argv, 0) = ''))
  AND basename(e.exe) IN ('pkexec', 'sudo', 'su', 'mount', 'umount', 'passwd', 'chsh', 'chfn',
      'newgrp', 'gpasswd',
                          'fusermount3', 'at', 'crontab')
