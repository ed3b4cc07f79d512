-- name: cron-jobs
-- description: what cron, at and their like ran, and how it went
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT t.id, t.started_at, t.ended_at, t.user, t.title, t.process_count AS processes,
       p.exit_code, p.exit_signal, t.root_process_id
FROM traces AS t
LEFT JOIN processes AS p ON p.id = t.root_process_id
WHERE t.started_at BETWEEN :since AND :until AND t.kind = 'cron'
ORDER BY t.id
