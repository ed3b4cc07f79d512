-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-out-of-tool
-- title: Shell started by a program that is no place for one
-- severity: medium
-- techniques: T1059.004 T1548
-- tactics: execution privilege-escalation
-- description: A shell was started without a command by a tool for files or texts, such as find,
--   awk, tar, vim or less: the ways out of restricted accounts and sudo rules.
-- benign: people who ask their editor or pager for a shell.
SELECT e.process_id, e.id AS exec_id, parent.cmdline AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
JOIN processes AS parent ON parent.id = p.parent_id
WHERE e.error IS NULL
  AND basename(e.exe) IN (SELECT name FROM known_programs WHERE kind = 'shell')
  AND (e.argc = 1 OR e.argv REGEXP '^\["[^"]*","-(i|p)"')
  AND rtrim(basename(parent.exe), '.0123456789') IN (
      'find', 'awk', 'gawk', 'mawk', 'tar', 'zip', 'ed', 'less', 'more', 'man', 'nmap', 'env', 'nice',
      'timeout', 'xargs', 'rsync', 'tcpdump', 'mysql', 'psql', 'sqlite', 'git', 'ftp', 'gdb', 'dd',
      'openssl', 'perl', 'python', 'ruby', 'lua', 'php', 'node')
  AND EXISTS (SELECT 1 FROM processes AS sudo
              WHERE sudo.id IN (parent.parent_id, parent.id) AND (sudo.euid = 0 OR parent.euid = 0)
                AND sudo.login_uid > 0)
