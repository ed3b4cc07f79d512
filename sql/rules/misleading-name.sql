-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: misleading-name
-- title: Program whose file name is made to mislead
-- severity: high
-- techniques: T1036.002 T1036.006 T1036.007
-- tactics: defense-evasion
-- description: The name of the file that was executed ends in a blank, has the ending of a document
--   before it, or holds characters that turn the direction of text or have no width.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.exe AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.script IS NULL
  AND (e.exe LIKE '% '
       OR lower(e.exe) REGEXP '\.(pdf|docx?|xlsx?|jpe?g|png|txt|zip)\.(sh|elf|bin|run|py)$'
       OR instr(e.exe, char(0x202e)) > 0
       OR instr(e.exe, char(0x200b)) > 0
       OR instr(e.exe, char(0x2066)) > 0)
UNION ALL
SELECT e.process_id, e.id, e.script
FROM new_execs AS e
WHERE e.error IS NULL AND e.script IS NOT NULL
  AND (e.script LIKE '% '
       OR lower(e.script) REGEXP '\.(pdf|docx?|xlsx?|jpe?g|png|txt|zip)\.(sh|elf|bin|run|py)$'
       OR instr(e.script, char(0x202e)) > 0
       OR instr(e.script, char(0x200b)) > 0
       OR instr(e.script, char(0x2066)) > 0)
