-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: process-hidden
-- title: Process hidden by a mount over /proc
-- severity: critical
-- techniques: T1564 T1564.013
-- tactics: defense-evasion
-- description: Something was mounted over the folder of a process in /proc, so that no tool shows
--   it.
-- benign: none known.
SELECT v.process_id, json_extract(v.new, '$.target') AS detail, v.at AS at
FROM new_privileges AS v
WHERE v.kind = 'mount' AND json_extract(v.new, '$.target') REGEXP '^/proc/[0-9]+/?$'
