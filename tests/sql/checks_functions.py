# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all functions: types, flags, hostile values, lack of memory."""
import os
import random
import re
import sqlite3
import time

# Arguments and their types (t: text, i: integer), and flags (d: deterministic, i: innocuous,
# o: direct only).
SCALARS = {
    "ago": ([("span", "t")], "i"),
    "at": ([("time", "t")], "i"),
    "iso": ([("ns", "i")], "di"),
    "duration": ([("ns", "i")], "di"),
    "cidr_match": ([("addr", "t"), ("net", "t")], "di"),
    "is_public": ([("addr", "t")], "di"),
    "basename": ([("path", "t")], "di"),
    "dirname": ([("path", "t")], "di"),
    "arg": ([("argv", "t"), ("n", "i")], "di"),
    "regexp": ([("pattern", "t"), ("text", "t")], "di"),
    "chain": ([("process_id", "i")], "o"),
    "uid": ([("kind", "t"), ("id", "i")], "o"),
    "hub": ([("pid", "i"), ("exe", "t")], "di"),
}
TABLES = ["ancestors", "backward", "descendants", "forward", "path", "story"]
GOOD = {"span": "1h", "time": "2026-11-22", "addr": "::1", "net": "::/0", "argv": '["a"]',
        "kind": "process", "path": "/x", "pattern": "a", "text": "a",
        "exe": "/usr/sbin/cron"}
FLAGS = {"d": 0x800, "i": 0x200000, "o": 0x80000}
CALL_SECONDS = 20


def call(db, name, *values):
    marks = ",".join("?" * len(values))
    return db.execute(f"SELECT {name}({marks})", values).fetchone()[0]


def error_of(db, sql, *values):
    try:
        rows = db.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        return str(error)
    raise AssertionError(f"no error but {rows} from {sql}")


def registered(db):
    return dict(db.execute("SELECT name, flags FROM pragma_function_list"
                           " WHERE NOT builtin AND name IN (SELECT value FROM json_each(?))",
                           ('["' + '","'.join(SCALARS) + '"]',)).fetchall())


def check_flags(context):
    found = {name.decode(): flags for name, flags in registered(context.connect()).items()}
    assert sorted(found) == sorted(SCALARS), f"registered: {sorted(found)}"
    for name, (_, wanted) in SCALARS.items():
        got = "".join(letter for letter, bit in FLAGS.items() if found[name] & bit)
        assert got == wanted, f"{name} has the flags {got or 'none'}, not {wanted}"


def check_only_known(context):
    """A connection has nothing from the extension that SCALARS and TABLES do not know."""
    def names(db):
        return ({row[0] for row in db.execute("SELECT name FROM pragma_function_list")},
                {row[0] for row in db.execute("SELECT name FROM pragma_module_list")})
    plain = sqlite3.connect(":memory:")
    plain.text_factory = bytes
    before, after = names(plain), names(context.connect())
    added = sorted(name.decode() for name in after[0] - before[0])
    assert added == sorted(SCALARS), f"functions added: {added}"
    assert sorted(name.decode() for name in after[1] - before[1]) == TABLES


def check_documented(context):
    headings = re.findall(r"^\.Ss (\w+)\((.*?)\)$", context.manual, re.M)
    documented = {name: re.sub(r" ?\[, | ?\]", " ", arguments).strip() for name, arguments in headings}
    for name, (arguments, _) in SCALARS.items():
        wanted = ", ".join(argument for argument, _ in arguments)
        assert documented.get(name) == wanted, f"{name}: the manual has {documented.get(name)}"
    assert set(documented) == set(SCALARS) | set(TABLES), f"documented: {sorted(documented)}"


def shown(value):
    if isinstance(value, bytes):
        return f"a blob of {len(value)} bytes"
    return f"'{value}'" if isinstance(value, str) else str(value)


def check_types(context):
    db = context.connect()
    for name, (arguments, _) in SCALARS.items():
        for position, (argument, kind) in enumerate(arguments):
            wrong = [7, -1.5, b"\x00\xff"] if kind == "t" else ["7", "", 1.5, b"7"]
            for value in wrong:
                values = [GOOD.get(other, 1) for other, _ in arguments]
                values[position] = value
                expected = "text" if kind == "t" else "an integer"
                got = error_of(db, f"SELECT {name}({','.join('?' * len(values))})", *values)
                wanted = f"{name}: argument {argument} must be {expected}, not {shown(value)}"
                assert got == wanted, f"got    {got}\nwanted {wanted}"


def check_argument_counts(context):
    db = context.connect()
    for name, (arguments, _) in SCALARS.items():
        for count in (0, len(arguments) + 1):
            got = error_of(db, f"SELECT {name}({','.join('1' * count)})")
            assert got == f"wrong number of arguments to function {name}()", got


def hostile_texts(generator):
    mebibyte = 1 << 20
    return [b"", b"\x00", b"\xff\xfe", b"\xc3", b"\x00" * mebibyte, b"\xff" * mebibyte,
            b"[" * mebibyte, b'["' + b"a" * mebibyte, b"/" * mebibyte, b"a" * mebibyte,
            b"9" * mebibyte, b"1h" * (mebibyte // 2), b":" * mebibyte,
            b'["' + b"\\ud83d" * (mebibyte // 6) + b'"]', b"[" + b'"",' * (mebibyte // 3) + b'""]',
            *(generator.randbytes(generator.choice([1, 7, 64, 1000, mebibyte])) for _ in range(40))]


def check_hostile_values(context):
    """Each function takes any text in any place: an answer or its own error, soon."""
    db = context.connect()
    for text in hostile_texts(random.Random(context.seed)):
        for name, (arguments, _) in SCALARS.items():
            for position, (_, kind) in enumerate(arguments):
                if kind == "t":
                    hostile_call(db, name, arguments, position, text)


def hostile_call(db, name, arguments, position, text):
    values = [GOOD.get(other, 0) for other, _ in arguments]
    values[position] = text
    marks = ["?"] * len(values)
    marks[position] = "CAST(? AS TEXT)"
    started = time.monotonic()
    try:
        db.execute(f"SELECT {name}({','.join(marks)})", values).fetchall()
    except sqlite3.Error as error:
        message = str(error)
        assert message.startswith(f"{name}: argument "), f"{name}({text[:40]!r}): {message}"
        assert len(message) < 500 and message.isprintable(), f"{name}: {message!r}"
    took = time.monotonic() - started
    assert took < CALL_SECONDS, f"{name}({text[:40]!r}...) took {took:.1f} s"


def check_long_values(context):
    """What is long comes back whole."""
    db = context.connect()
    long = b"\xff\x00" * (1 << 19)
    cast = "SELECT {}(CAST(? AS TEXT){})"
    assert db.execute(cast.format("basename", ""), (b"/x/" + long,)).fetchone()[0] == long
    assert db.execute(cast.format("dirname", ""), (long + b"/x",)).fetchone()[0] == long
    assert db.execute(cast.format("arg", ", 1"), (b'["a","' + long + b'"]',)).fetchone()[0] == long
    many = b"[" + b",".join(b'"%d"' % i for i in range(100000)) + b"]"
    assert db.execute(cast.format("arg", ", -1"), (many,)).fetchone()[0] == b"99999"


def check_regexp_time(context):
    """Text that makes a search from each place quadratic: "aa..." for a.*b."""
    db = context.connect()
    for pattern, piece in (("a.*b", "a"), ("curl.*https?:", "curl"), ("(x+x+)+y", "x"),
                           ("^(a|aa)+$", "aab")):
        text = piece * ((1 << 20) // len(piece))
        started = time.monotonic()
        assert call(db, "regexp", pattern, text) == 0
        took = time.monotonic() - started
        assert took < CALL_SECONDS, f"{pattern} took {took:.1f} s on 1 MiB"


def random_pattern(generator, depth=0):
    """In what Python's re and POSIX have in common; \\Z is Python's $."""
    atom = generator.choice(["a", "b", "c", ".", "[ab]", "[^a]", "^", "$", "(", "(", "("])
    if atom == "(":
        atom = f"({random_pattern(generator, depth + 1)})" if depth < 2 else "a"
    elif atom not in "^$":
        atom += generator.choice(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}"])
    if atom.startswith("("):
        atom += generator.choice(["", "", "*", "+", "?", "{2}", "{0,3}"])
    more = generator.random()
    if more < 0.5:
        return atom + random_pattern(generator, depth)
    return atom + "|" + random_pattern(generator, depth) if more < 0.65 else atom


def short_pattern(generator):
    """A long one can keep Python, which backtracks, busy for hours."""
    while True:
        pattern = random_pattern(generator)
        if len(pattern) <= 24:
            return pattern


def hold_against_re(context, db, pattern, text):
    """What regexp() says, which Python's re has to say as well."""
    python = re.compile(pattern.replace("$", "\\Z"), re.DOTALL)
    wanted = int(python.search(text) is not None)
    got = call(db, "regexp", pattern, text)
    assert got == wanted, f"seed {context.seed}: {pattern!r} on {text!r}: {got}"
    return got


def check_regexp_random(context):
    """The same answers as Python's re, on random patterns and texts."""
    generator = random.Random(context.seed)
    db = context.connect()
    matches = 0
    for _ in range(3000):
        pattern = short_pattern(generator)
        for _ in range(5):
            text = "".join(generator.choice("aabc\n") for _ in range(generator.randrange(9)))
            matches += hold_against_re(context, db, pattern, text)
    assert 3000 < matches < 12000, f"{matches} of 15000 match: the patterns test little"


def check_regexp_places(context):
    """Patterns whose automaton can be in more sets of states than are remembered."""
    generator = random.Random(context.seed)
    db = context.connect()
    patterns = ("a.{7}b$", "a[ab]{9}c", "a.{12}a.{3}b|ca{3}", "b[^c]{6}$")
    for pattern in patterns:
        for _ in range(60):
            text = "".join(generator.choice("aabbbc") for _ in range(generator.randrange(400)))
            hold_against_re(context, db, pattern, text)


def check_regexp_kept(context):
    """More patterns than a connection keeps, in one statement, and again in the next."""
    db = context.connect()
    patterns = [f"^{'a' * i}{'b' * j}$" for i in range(1, 15) for j in range(1, 15)]
    db.execute("CREATE TEMP TABLE kept (pattern TEXT)")
    db.executemany("INSERT INTO kept VALUES (?)", [(pattern,) for pattern in patterns])
    for _ in range(2):
        matches = db.execute("SELECT count(*) FROM kept AS a JOIN kept AS b ON"
                             " trim(a.pattern, '^$') REGEXP b.pattern").fetchone()[0]
        assert matches == len(patterns), matches
    several = " + ".join(f"('aab' REGEXP '{pattern}')" for pattern in patterns[:90])
    assert db.execute(f"SELECT {several}").fetchone()[0] == 1
    long = "x" * 600
    assert db.execute("SELECT ? REGEXP ?, 'x' REGEXP ?", (long, long, long)).fetchone() == (1, 0)


def check_regexp_locale(context):
    """The same bytes match in a UTF-8 locale: an invalid one must not hide what follows it."""
    import locale
    db = context.connect()
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    try:
        sql = "SELECT regexp('^/tmp/.*x$', CAST(? AS TEXT)), regexp('^..$', 'é')"
        assert db.execute(sql, (b"/tmp/\xff\xfex",)).fetchone() == (1, 1)
    finally:
        locale.setlocale(locale.LC_ALL, before)


def check_statement_clock(context):
    """One call site, one moment: the rows are read over a longer time than the clock's tick."""
    db = context.connect()
    rows = db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
                      " SELECT count(DISTINCT ago('1s')), count(DISTINCT at('now')) FROM n").fetchone()
    assert rows == (1, 1), rows
    first = call(db, "at", "now")
    assert call(db, "at", "now") > first, "the clock stands still between statements"


def check_direct_only(context):
    """A store's own view cannot call what reads the store."""
    db = sqlite_with(context, "CREATE VIEW v AS SELECT chain(1) AS c")
    assert error_of(db, "SELECT * FROM v") == "unsafe use of chain()"


def sqlite_with(context, script):
    path = os.path.join(context.directory, "script.db")
    if os.path.exists(path):
        os.remove(path)
    db = context.connect(path)
    db.executescript(script)
    return db


def check_tables_that_call_back(context):
    """Tables in the store that are views of the functions that read them: an error, no recursion."""
    db = sqlite_with(context, "CREATE TABLE edges (id, at, src, dst, kind);"
                              "CREATE VIEW processes AS SELECT 1 AS id, 1 AS parent_id, 'x' AS comm,"
                              " 0 AS started_at FROM descendants(1)")
    assert "descendants" in error_of(db, "SELECT * FROM descendants(1)")
    assert error_of(db, "SELECT chain(1)").startswith("chain: ")
    db = sqlite_with(context, "CREATE TABLE main.p (id, parent_id); INSERT INTO p VALUES (1, NULL)")
    db.execute("CREATE TEMP VIEW processes AS SELECT id, parent_id, chain(id) AS comm FROM p")
    assert error_of(db, "SELECT chain(1)") == "chain: chain: a table that it reads calls it"
    # In a store the function reads what is behind the public name.
    db = context.connect()
    db.execute("CREATE TEMP VIEW processes AS SELECT id, parent_id, 'x' AS comm FROM main.processes")
    assert call(db, "chain", 1) == b"systemd"


def check_no_store(context):
    """On a database without our tables, the error says whose it is."""
    db = context.connect(":memory:")
    assert error_of(db, "SELECT chain(1)") == "chain: no such table: processes"
    assert error_of(db, "SELECT uid('loss', 1)") == "uid: no such table: losses"
    assert error_of(db, "SELECT * FROM ancestors(1)") == "ancestors: no such table: processes"
    assert call(db, "duration", 5) == b"5 ns"


OOM_SQL = [
    b"SELECT a.*, d.process_id FROM ancestors(9) AS a, descendants(a.process_id, 2) AS d",
    b"SELECT * FROM backward(9, NULL, 9, 'fork,file', 100, 'stop')",
    b"SELECT * FROM path(5, 9)",
    b"SELECT * FROM story(8)",
    b"SELECT chain(9), chain(41), uid('process', 1), uid('listener', 1)",
    b"SELECT arg(argv, -1), basename(filename), dirname(filename), iso(at) FROM execs",
    b"SELECT duration(5), ago('1h') > 0, at('2026-11-22'), cidr_match('::1', '::/0'), is_public('::1')",
    b"SELECT comm REGEXP 's+h', comm REGEXP ('^[a-z]{2,9}(x|' || comm || ')*$') FROM processes"
    b" WHERE id < 10",
]


def check_out_of_memory(context):
    store = context.lean_store("oom.db")  # each failure reads the schema anew
    for sql in OOM_SQL:
        count = context.small.out_of_memory(sql, store)
        assert count > 50, f"only {count} allocations in {sql}"


CHECKS = [
    ("functions: flags", check_flags),
    ("functions: nothing else is registered", check_only_known),
    ("functions: each is in the manual, with its arguments", check_documented),
    ("functions: wrong types", check_types),
    ("functions: wrong numbers of arguments", check_argument_counts),
    ("functions: hostile values", check_hostile_values),
    ("functions: long values", check_long_values),
    ("functions: regexp takes linear time", check_regexp_time),
    ("functions: regexp agrees with Python's re", check_regexp_random),
    ("functions: regexp forgets and goes on", check_regexp_places),
    ("functions: regexp keeps patterns apart", check_regexp_kept),
    ("functions: regexp does not depend on the locale", check_regexp_locale),
    ("functions: one moment for one statement", check_statement_clock),
    ("functions: direct only", check_direct_only),
    ("functions: tables that call back", check_tables_that_call_back),
    ("functions: no store", check_no_store),
    ("functions: out of memory", check_out_of_memory),
]
