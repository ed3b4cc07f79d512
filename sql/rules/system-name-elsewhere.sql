-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: system-name-elsewhere
-- title: Program with the name of a system daemon from an unusual place
-- severity: high
-- techniques: T1036.005
-- tactics: defense-evasion
-- description: The file that was executed is named like a daemon of the system, and lies where
--   nobody installs those.
-- benign: builds of such daemons; containers unpacked below temporary folders.
SELECT e.process_id, e.id AS exec_id, e.exe AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('sshd', 'systemd', 'init', 'cron', 'crond', 'systemd-journald',
                          'systemd-udevd', 'systemd-logind', 'dbus-daemon', 'rsyslogd', 'auditd',
                          'kworker', 'ksoftirqd', 'agetty', 'login', 'udevd', 'containerd', 'dockerd')
  AND e.exe REGEXP '^(/tmp|/var/tmp|/dev/shm|/home|/var/www|/run/user|/root)/'
