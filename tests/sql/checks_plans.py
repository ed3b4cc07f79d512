# SPDX-License-Identifier: GPL-3.0-or-later
"""Query plans: no scan of a big table, and no Bloom filter, which is a scan as well."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
BIG = {"processes", "execs", "files", "connections", "listeners", "edges", "losses", "process_rows",
       "exec_rows", "connection_rows", "edge_rows"}


# What makes the graph in memory.
READS_ALL = ("SELECT id, parent_id, started_at, pid, exe FROM main.process_rows",
             "SELECT id, at, at + last_after, src, dst, kind, open FROM main.edge_rows ORDER BY id")


def queries():
    text = open(os.path.join(HERE, "plans.sql")).read()
    text = re.sub(r"^--.*\n", "", text, flags=re.M)
    return [query.strip() for query in text.split(";") if query.strip()]


def aliases(db, sql):
    """What the plan may call a big table: by its own name, or as the query or a view names it."""
    text = sql + " ".join(row[0].decode() for row in db.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'view' AND instr(?1, name)", (sql,)))
    pairs = re.findall(r"(\w+)\s+AS\s+(\w+)", text)
    return BIG | {alias for table, alias in pairs if table in BIG}


def partial_indexes(db):
    return {row[0].decode() for row in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'")}


def complaint(db, sql, parameters=()):
    """What is wrong with the query's plan, or None."""
    big, partial = aliases(db, sql), partial_indexes(db)
    plan = [row[3].decode() for row in db.execute("EXPLAIN QUERY PLAN " + sql, parameters)]
    for step in plan:
        scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        automatic = re.match(r"SEARCH (\w+) USING AUTOMATIC", step)
        if "BLOOM" in step or (automatic and automatic.group(1) in big):
            return f"{step}: {plan}"
        if scan and scan.group(1) in big and scan.group(2) not in partial:
            return f"{step}: {plan}"
    return None


def check_queries(context):
    db = context.connect()
    asked = queries()
    assert len(asked) > 30
    for sql in asked:
        wrong = complaint(db, sql)
        assert wrong is None, f"{sql}\n{wrong}"
        db.execute(sql).fetchall()


def check_twins(context):
    db = context.connect()
    for sql in context.twins.values():
        wrong = complaint(db, sql, dict.fromkeys(
            ("id", "at", "max_depth", "kinds", "hubs", "src", "dst"), 1))
        assert wrong is None, f"{sql}\n{wrong}"


def check_own_statements(context):
    """Seen as they run: SQLite's trace shows the text of each statement inside a statement."""
    db = context.connect()
    seen = []
    db.set_trace_callback(lambda sql: seen.append(sql))
    kinds = ("process", "exec", "connection", "listener", "edge", "host", "recorder", "probe", "loss")
    db.execute("SELECT * FROM ancestors(9), descendants(1), (SELECT chain(9))").fetchall()
    db.execute("SELECT * FROM backward(9, 1), forward(5, 1795316419000000000)").fetchall()
    for kind in kinds:
        db.execute("SELECT uid(?, 1)", (kind,)).fetchall()
    db.set_trace_callback(None)
    inner = sorted({re.sub(r"^-- ", "", sql) for sql in seen 
                    if re.search("process(es|_rows)|hosts|edge(s|_rows)", sql) and "backward" not in sql})
    assert len(inner) >= 16, inner
    on_purpose = [sql for sql in inner if sql in READS_ALL]
    assert len(on_purpose) == 2, "no graph in memory has been made"
    for sql in set(inner) - set(on_purpose):
        wrong = complaint(db, re.sub(r"\?\d", "1", sql))
        assert wrong is None, f"{sql}\n{wrong}"


def check_the_check(context):
    """The check does see a scan and a Bloom filter."""
    db = context.connect()
    assert complaint(db, "SELECT * FROM processes WHERE comm = 'x'")
    assert complaint(db, "SELECT p.id FROM processes AS p WHERE p.comm = 'x'")
    assert complaint(db, "SELECT * FROM conversations WHERE bytes_sent > 5")


def check_never_analyzed(context):
    """ANALYZE makes SQLite 3.40 put a Bloom filter into parent walks: nothing of ours runs it."""
    db = context.connect()
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").fetchall()


CHECKS = [
    ("plans: what people ask", check_queries),
    ("plans: the twins", check_twins),
    ("plans: the extension's own statements", check_own_statements),
    ("plans: the check sees a scan", check_the_check),
    ("plans: never analyzed", check_never_analyzed),
]
