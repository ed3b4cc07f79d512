-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: times-forged
-- title: Times of a file set by hand
-- severity: low
-- techniques: T1070.006
-- tactics: defense-evasion
-- description: touch gave a file the time of another, or one that was named.
-- benign: builds and packaging, in folders of their own.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) = 'touch'
  AND e.argv REGEXP '"(-[a-zA-Z]*[tdr]|--(date|reference)(=[^"]*)?)"|"--(date|reference)='
  AND e.argv REGEXP '"/(usr|s?bin|etc|lib|opt|boot|root|home|var/www|tmp|dev/shm)/[^"]*"'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
