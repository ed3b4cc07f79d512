-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: coin-miner
-- title: Program that mines coins
-- severity: high
-- techniques: T1496 T1496.001
-- tactics: impact
-- description: The arguments are those of a program that mines coins, or it is named like one.
-- benign: people who mine on purpose.
SELECT e.process_id, e.id AS exec_id, substr(e.argv, 1, 300) AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND lower(e.argv) REGEXP 'stratum\+?(tcp|ssl|tls)?://|--donate-level|--coin=|--algo[= "]'
      || '|randomx|cryptonight'
UNION ALL
SELECT e.process_id, e.id, substr(e.argv, 1, 300)
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('xmrig', 'xmr-stak', 'minerd', 'cpuminer', 'kdevtmpfsi', 'kinsing',
      'ccminer', 'ethminer')
