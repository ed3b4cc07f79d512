-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: built-and-run-in-temporary-folder
-- title: Program compiled in a temporary folder and run
-- severity: low
-- techniques: T1027.004
-- tactics: defense-evasion
-- description: A compiler or linker wrote a file below a folder that everybody may write, and it
--   was executed.
-- benign: tests of build tools; configure scripts.
SELECT e.dst AS process_id, e.id AS edge_id, f.path AS detail
FROM new_edges AS e
JOIN files AS f ON f.id = e.file_id
JOIN processes AS w ON w.id = e.src
WHERE e.kind = 'file' AND e.detail = 'exec'
  AND basename(w.exe) REGEXP '(^|-)(ld|ld\.bfd|ld\.gold|ld\.lld|mold|collect2|tcc|link)$'
  AND f.path REGEXP '^(/tmp|/var/tmp|/dev/shm)/'
