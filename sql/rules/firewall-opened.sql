-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: firewall-opened
-- title: Firewall emptied or switched off
-- severity: medium
-- techniques: T1562.004 T1686
-- tactics: defense-evasion
-- description: The rules of the packet filter were flushed, set to let everything pass, or its
--   service stopped.
-- benign: scripts that set up a firewall begin by flushing it.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL
  AND basename(e.exe) IN ('iptables', 'ip6tables', 'iptables-nft', 'xtables-nft-multi',
                          'xtables-legacy-multi', 'nft', 'ufw', 'firewall-cmd', 'systemctl')
  AND ((basename(e.exe) LIKE '%tables%' OR basename(e.exe) LIKE 'xtables%')
      AND e.argv REGEXP '"(-F|--flush)"|"-P","(INPUT|OUTPUT|FORWARD)","ACCEPT"'
       OR (basename(e.exe) = 'nft' AND e.argv REGEXP 'flush","?ruleset|flush ruleset')
       OR (basename(e.exe) = 'ufw' AND e.argv LIKE '%"disable"%')
       OR (basename(e.exe) = 'systemctl' AND e.argv REGEXP '"(stop|disable|mask)"'
           AND e.argv REGEXP '"(firewalld|ufw|nftables|iptables)(\.service)?"'))
