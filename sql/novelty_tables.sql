-- What is counted beside the store.

-- Pairs seen since they were last handed out. id is NULL where the store has none.
CREATE TEMP TABLE seen_pairs (
    kind TEXT,
    a TEXT,
    b TEXT,
    first_at INTEGER,
    last_at INTEGER,
    count INTEGER,
    process_id INTEGER,
    id INTEGER,
    PRIMARY KEY (a, b, kind)
) WITHOUT ROWID;
