-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: preload-written
-- title: Library made to load into every program
-- severity: critical
-- techniques: T1574.006
-- tactics: persistence privilege-escalation defense-evasion
-- description: /etc/ld.so.preload was written: what it names is loaded into every program.
-- benign: some old tools for tracing or for memory allocation, by their installers.
SELECT f.process_id, f.id AS file_id, f.path AS detail
FROM new_files AS f
WHERE f.op IN ('write', 'rename', 'link') AND f.path = '/etc/ld.so.preload'
