-- name: at-night
-- description: programs that ran in the small hours, by user
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: from NUMBER 22 the hour in which it begins, UTC
-- param: to NUMBER 5 the hour in which it is over, UTC
-- new: no
SELECT e.exe, p.user, count(*) AS times, min(e.at) AS first_at, max(e.at) AS last_at,
       min(e.id) AS first_exec_id, chain(min(e.process_id)) AS first_chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL
  AND CASE WHEN :from <= :to
           THEN e.at / 3600000000000 % 24 >= :from AND e.at / 3600000000000 % 24 < :to
           ELSE e.at / 3600000000000 % 24 >= :from OR e.at / 3600000000000 % 24 < :to END
GROUP BY e.exe, p.user
ORDER BY times, e.exe
