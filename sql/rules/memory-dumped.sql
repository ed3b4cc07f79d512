-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: memory-dumped
-- title: Memory of a daemon with secrets dumped
-- severity: high
-- techniques: T1003.007
-- tactics: credential-access
-- description: gcore or a debugger without a terminal was pointed at a process that keeps passwords
--   or keys.
-- benign: people who debug these daemons.
SELECT e.process_id, e.id AS exec_id, e.argv || ' of ' || v.comm AS detail
FROM (SELECT id, process_id, argv, argc
      FROM new_execs
      WHERE error IS NULL AND script IS NULL AND basename(exe) IN ('gcore', 'procdump')
      UNION ALL
      SELECT id, process_id, argv, argc
      FROM new_execs
      WHERE error IS NULL AND script IS NOT NULL AND basename(script) IN ('gcore', 'procdump')
      UNION ALL
      SELECT id, process_id, argv, argc
      FROM new_execs
      WHERE error IS NULL AND basename(exe) = 'gdb' AND argv LIKE '%dump%' AND argv LIKE '%-p%') AS e
JOIN processes AS v ON v.pid = CAST(arg(e.argv, e.argc - 1) AS INTEGER) AND v.ended_at IS NULL
WHERE basename(v.exe) IN ('sshd', 'ssh-agent', 'gpg-agent', 'gnome-keyring-daemon', 'sssd',
      'login', 'vsftpd',
                          'apache2', 'nginx', 'keepassxc', 'firefox', 'chrome', 'chromium')
