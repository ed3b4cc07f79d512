-- What other boots than ?1 left alive ended when they were last seen, as far as anyone can tell.
-- Runs before the row of a new boot is added.

UPDATE listeners
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(listeners.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = listeners.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE connection_rows
SET state = 0, -- closed
    ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(connection_rows.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = connection_rows.host_id),
        started_at)
WHERE ended_at IS NULL AND host_id <> ?1;

UPDATE process_rows
SET ended_at = coalesce(
        (SELECT max(h.last_seen_at, coalesce(process_rows.started_at, h.last_seen_at))
         FROM hosts AS h WHERE h.id = process_rows.host_id),
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

UPDATE edge_rows
SET open = 0,
    last_after = coalesce(
        (SELECT max(h.last_seen_at - edge_rows.at, edge_rows.last_after)
         FROM hosts AS h WHERE h.id = edge_rows.host_id),
        last_after)
WHERE open = 1 AND host_id <> ?1;

-- It has not been noted what was changed here.
DELETE FROM changes;
