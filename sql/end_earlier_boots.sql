-- What other boots than ?1 left alive ended when they were last seen, as far as anyone can tell.
-- Runs before the row of a new boot is added.

UPDATE listeners
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(listeners.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = listeners.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE connections
SET state = 'closed',
    ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(connections.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = connections.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE processes
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(processes.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = processes.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE traces
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(traces.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = traces.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE containers
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(containers.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = containers.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE edges
SET open = 0,
    last_at = coalesce(
        (SELECT max(h.last_seen_at, edges.last_at) FROM hosts AS h WHERE h.id = edges.host_id),
        last_at)
WHERE open = 1 AND host_id <> ?1;

-- It has not been noted what was changed here.
DELETE FROM changes;
