-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: tunnel-opened
-- title: Tunnel into or out of the network opened
-- severity: medium
-- techniques: T1572 T1090
-- tactics: command-and-control
-- description: A program was told to carry other traffic inside a connection of its own, with the
--   far end able to reach in.
-- benign: remote help, and developers who show their work.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('ssh', 'socat', 'chisel', 'frpc', 'ngrok', 'cloudflared', 'gost', 'iodine',
                          'dnscat', 'proxychains4')
  AND ((basename(e.exe) = 'ssh' AND e.argv REGEXP '"-[a-zA-Z46]*[RDw]([^"]*)"'
      AND e.argv REGEXP '"-[a-zA-Z46]*[RDw]"|"-[RDw]')
       OR (basename(e.exe) = 'socat' AND lower(e.argv) REGEXP '(exec|system):')
       OR (basename(e.exe) NOT IN ('ssh', 'socat') AND e.argc > 1))
