-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: module-loaded-from-elsewhere
-- title: Kernel module loaded that no package brought
-- severity: high
-- techniques: T1547.006 T1014
-- tactics: persistence privilege-escalation defense-evasion
-- description: A kernel module was loaded that the kernel calls foreign or unsigned, by a process
--   that loads a file from outside the modules' folders.
-- benign: drivers under development.
SELECT v.process_id, json_extract(v.new, '$.name') || coalesce(' from ' || json_extract(v.new,
    '$.file'), '') AS detail,
       v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'module' AND v.new IS NOT NULL
  AND (json_extract(v.new, '$.file') NOT LIKE '/lib/modules/%'
       AND json_extract(v.new, '$.file') NOT LIKE '/usr/lib/modules/%'
       OR (p.cmdline LIKE '%insmod%' AND p.cmdline NOT LIKE '%/lib/modules/%'))
