-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: log-removed
-- title: Log removed or emptied
-- severity: high
-- techniques: T1070.002 T1685.006 T1070
-- tactics: defense-evasion
-- description: A program was told to remove, cut or overwrite a log that tells who did what.
-- benign: log rotation does it by renaming.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('rm', 'shred', 'truncate', 'unlink', 'wipe', 'srm')
  AND e.argv REGEXP '"/var/log/(wtmp|btmp|lastlog|auth\.log|secure|syslog|messages'
      || '|audit(/[^"]*)?|kern\.log|journal(/[^"]*)?|faillog)?"|"/var/run/utmp"'
