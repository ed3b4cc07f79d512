-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: capabilities-without-cause
-- title: Capabilities gained without an exec
-- severity: high
-- techniques: T1068 T1548
-- tactics: privilege-escalation
-- description: A process of another user than root has more effective capabilities than before, and
--   no program that it executed gave them; nor did it enter a user namespace of its own.
-- benign: programs that lower and raise their effective capabilities within what they were given.
SELECT v.process_id, v.old || ' to ' || v.new AS detail, v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'caps' AND v.exec_id IS NULL AND p.uid <> 0
  AND json_extract(v.old, '$.capabilities') IN ('0', '0000000000000000')
  AND NOT EXISTS (SELECT 1 FROM privileges AS before
                  WHERE before.process_id = v.process_id AND before.id < v.id
                    AND before.kind IN ('unshare', 'setns', 'caps', 'setuid'))
  AND NOT EXISTS (SELECT 1 FROM execs AS own
                  WHERE own.process_id = v.process_id AND (own.setuid = 1 OR own.euid = 0))
