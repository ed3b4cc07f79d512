-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: bpf-program-by-unknown
-- title: Kernel program loaded by something that is no tool for it
-- severity: medium
-- techniques: T1014 T1205.002
-- tactics: defense-evasion command-and-control
-- description: A BPF program was loaded by a program out of a temporary or home folder, or by an
--   interpreter.
-- benign: tracing scripts (bcc).
SELECT v.process_id, p.exe || ' loaded ' || json_extract(v.new, '$.type') || ' ' ||
       coalesce(json_extract(v.new, '$.name'), '') AS detail, v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'bpf'
  AND (p.exe REGEXP '^(/tmp|/var/tmp|/dev/shm|/home|/var/www)/'
       OR rtrim(basename(p.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                    WHERE kind IN ('interpreter', 'shell')))
