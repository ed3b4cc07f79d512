-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-under-server
-- title: Shell started by a network server
-- severity: high
-- techniques: T1190 T1505.003 T1059.004
-- tactics: initial-access persistence execution
-- description: A web or database server, which has no business with shells, started one.
-- benign: CGI scripts, health checks and administration pages that call shell commands;
--   archive_command of PostgreSQL.
SELECT e.process_id, e.id AS exec_id,
       coalesce(parent.comm, basename(parent.exe)) || ' started ' || basename(e.exe) AS detail
FROM new_execs AS e
JOIN processes AS p ON p.id = e.process_id
JOIN processes AS parent ON parent.id = p.parent_id
WHERE e.error IS NULL
  AND basename(e.exe) IN ('sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'busybox')
  AND basename(parent.exe) IN ('nginx', 'apache2', 'httpd', 'lighttpd', 'caddy', 'php-fpm', 'mysqld',
                               'mariadbd', 'postgres', 'redis-server', 'mongod', 'memcached',
                               'named', 'unbound', 'tomcat', 'exim4', 'postfix', 'dovecot')
  AND NOT EXISTS (SELECT 1 FROM execs AS own
                  WHERE own.process_id = parent.id AND own.at > e.at)
