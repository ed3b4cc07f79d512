-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: misleading-name
-- title: Program whose file name is made to mislead
-- severity: high
-- techniques: T1036.002 T1036.006 T1036.007
-- tactics: defense-evasion
-- description: The name of the file that was executed ends in a blank, has the ending of a document
--   before it, or holds characters that turn the direction of text or have no width.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, coalesce(e.script, e.exe) AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND (coalesce(e.script, e.exe) LIKE '% '
       OR lower(coalesce(e.script, e.exe)) REGEXP '\.(pdf|docx?|xlsx?|jpe?g|png|txt|zip)\.(sh'
           || '|elf|bin|run|py)$'
       OR instr(coalesce(e.script, e.exe), char(0x202e)) > 0
       OR instr(coalesce(e.script, e.exe), char(0x200b)) > 0
       OR instr(coalesce(e.script, e.exe), char(0x2066)) > 0)
