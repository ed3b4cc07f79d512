-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: container-looked-around
-- title: Container asked for ways out
-- severity: medium
-- techniques: T1613 T1611
-- tactics: discovery privilege-escalation
-- description: Inside a container, something asked for its capabilities, its devices or the
--   runtime's socket.
-- benign: debugging of containers.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
WHERE e.error IS NULL
    AND EXISTS (SELECT 1 FROM containers WHERE container_id = p.container_id AND runtime <> 'systemd')
  AND (basename(e.exe) IN ('capsh', 'amicontained', 'deepce.sh', 'cdk')
       OR e.argv REGEXP 'docker\.sock|containerd\.sock|/proc/1/root|/\.dockerenv|release_agent'
           || '|core_pattern')
