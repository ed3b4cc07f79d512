-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: traffic-captured
-- title: Network traffic captured
-- severity: low
-- techniques: T1040
-- tactics: credential-access discovery
-- description: A program that captures packets was run.
-- benign: administration of networks.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('tcpdump', 'tshark', 'dumpcap', 'ngrep', 'dsniff', 'ettercap')
  AND e.argc > 0
