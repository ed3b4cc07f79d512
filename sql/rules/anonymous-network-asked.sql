-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: anonymous-network-asked
-- title: Name of an anonymising or drop service asked for
-- severity: medium
-- techniques: T1090.003 T1102 T1567
-- tactics: command-and-control exfiltration
-- description: A process asked for a name below onion, i2p, or of a service that takes files and
--   texts from anybody.
-- benign: people who use such services.
SELECT q.process_id, q.name AS detail, q.at AS at
FROM new_dns_queries AS q
WHERE lower(q.name) REGEXP '(^|\.)(onion|i2p|tor2web\.[a-z]+|onion\.(ws|ly|to)|pastebin\.com'
    || '|transfer\.sh|file\.io|ngrok\.io|serveo\.net|webhook\.site|oast\.(fun|live|site|me)'
    || '|requestbin\.net|anonfiles\.com|0x0\.st)\.?$'
