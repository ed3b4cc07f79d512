-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: netcat-runs-program
-- title: netcat told to run a program
-- severity: critical
-- techniques: T1059.004 T1095
-- tactics: execution command-and-control
-- description: netcat or socat was told to connect a shell with whoever is at the other end.
-- benign: none known.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('nc', 'ncat', 'netcat', 'nc.traditional', 'nc.openbsd', 'busybox', 'socat')
  AND ((basename(e.exe) <> 'socat' AND (basename(e.exe) <> 'busybox' OR e.argv REGEXP '"nc"')
        AND e.argv REGEXP '"(-[a-zA-Z]*[ec]|--exec|--sh-exec)"'
            AND lower(e.argv) REGEXP '"[^"]*(ba|da|z|k|a)?sh( [^"]*)?"')
       OR (basename(e.exe) = 'socat' AND lower(e.argv) REGEXP '(exec|system):.{0,20}(ba|da|z|k)?sh'))
