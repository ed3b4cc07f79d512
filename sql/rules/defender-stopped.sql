-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: defender-stopped
-- title: Security program stopped
-- severity: critical
-- techniques: T1685 T1562.001
-- tactics: defense-evasion
-- description: A process ended or stopped a program that watches the host, by a signal or by its
--   service manager's tool, and is no service manager itself.
-- benign: upgrades and restarts by administrators.
SELECT e.src AS process_id, e.id AS edge_id, NULL AS exec_id, w.comm || ' sent ' || e.detail
    || ' to ' || v.comm AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS v ON v.id = e.dst
WHERE e.kind = 'signal' AND basename(v.exe) IN (SELECT name FROM known_programs WHERE kind = 'defender')
  AND e.detail IN ('SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGINT', 'SIGQUIT', 'KILL', 'TERM', 'STOP',
      'INT', 'QUIT')
  AND basename(w.exe) NOT IN ('systemd', 'init', 'systemd-shutdown') AND w.id <> v.id
  AND coalesce(v.parent_id, 0) <> w.id
UNION ALL
SELECT e.process_id, NULL, e.id, e.argv
FROM (SELECT id, process_id, argv
      FROM new_execs
      WHERE error IS NULL AND basename(exe) IN ('systemctl', 'pkill', 'killall', 'service')
        AND (basename(exe) IN ('pkill', 'killall')
             OR (basename(exe) = 'systemctl' AND argv REGEXP '"(stop|disable|mask|kill)"')
             OR (basename(exe) = 'service' AND argv LIKE '%"stop"%'))
      UNION ALL
      SELECT id, process_id, argv
      FROM new_execs
      WHERE error IS NULL AND script IS NOT NULL AND basename(script) = 'service'
        AND argv LIKE '%"stop"%') AS e
WHERE e.argv REGEXP '"(auditd|falco|spyqd|osqueryd|wazuh-agent|falcon-sensor|clamd'
      || '|clamav-daemon|fail2ban|rsyslog|rsyslogd|aide|crowdsec|sysmon|mdatp|ossec)(\.service)?"'
