-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: run-by-loader
-- title: Program started through the dynamic loader
-- severity: medium
-- techniques: T1218 T1574
-- tactics: defense-evasion
-- description: The dynamic loader was executed with a program of a temporary or home folder as its
--   argument, by which a file runs that may not be executed itself.
-- benign: debugging of libraries, and builds of compilers.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) REGEXP '^ld(-linux.*|-musl.*|-[0-9.]+)?\.so'
  AND e.argv REGEXP '"(/tmp|/var/tmp|/dev/shm|/home|/var/www)/'
  AND e.argv NOT LIKE '%"--list"%' AND e.argv NOT LIKE '%"--verify"%'
