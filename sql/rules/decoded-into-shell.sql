-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: decoded-into-shell
-- title: What was decoded went straight into a shell
-- severity: high
-- techniques: T1027 T1140 T1059.004
-- tactics: defense-evasion execution
-- description: base64, xxd, openssl or the like wrote into a pipe from which a shell or an
--   interpreter read its program.
-- benign: self-extracting installers; tests of shells.
SELECT e.dst AS process_id, e.id AS edge_id, w.cmdline || ' | ' || s.cmdline AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS s ON s.id = e.dst
WHERE e.kind = 'pipe'
  AND (basename(w.exe) IN ('base64', 'base32', 'basenc', 'uudecode', 'xxd', 'openssl')
       OR (basename(w.exe) = 'busybox' AND w.cmdline REGEXP '(^|/| )(base64|uudecode|xxd)( |$)'))
  AND w.cmdline REGEXP ' (-[a-zA-Z]*[dDr][a-zA-Z]*|--decode)( |$)'
  AND rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                WHERE kind IN ('shell', 'interpreter'))
  AND s.cmdline NOT LIKE '% -c %' AND s.cmdline NOT LIKE '% -m %'
