# SPDX-License-Identifier: GPL-3.0-or-later
"""report: one page that is whole by itself, a graph for dot, JSON; and nothing recorded is markup."""
import html.parser
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest
import xml.etree.ElementTree

import support
from support import make_store, path, spyq

HOSTILE = ('</title></style><script>alert(1)</script> "><img src=x onerror=alert(2)> &lt; \' `'
           '\u202e\u2066 \x1b[31m ]]> --> \\" \\n \\N a\nb')
ALLOWED = {"html", "head", "meta", "style", "title", "body", "h1", "h2", "h3", "p", "dl", "dt", "dd",
           "div", "svg", "defs", "marker", "path", "a", "g", "rect", "text", "ul", "li", "span",
           "table", "tr", "th", "td", "code"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "role",
              "aria-label", "viewbox", "width", "height", "refx", "refy", "markerwidth",
              "markerheight", "orient", "d", "marker-end", "x", "y", "rx"}
EMPTY = {"meta", "path", "rect"}


class Page(html.parser.HTMLParser):
    """The page as a browser reads it: elements, attributes, the text in each."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.attributes = [], set(), []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = make_store("report.db")
        db = sqlite3.connect(cls.store)
        db.execute("UPDATE processes SET comm = ?, cmdline = ?, user = ?, cwd = ? WHERE id = 9",
                   (HOSTILE[:15], HOSTILE, HOSTILE, HOSTILE))
        db.execute("UPDATE processes SET comm = CAST(x'ff3c623e' AS TEXT) WHERE id = 8")
        db.execute("INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, file_id, detail)"
                   " VALUES (50, 1, 1795317120400000000, 1795317130000000000, 3, 'file', 7, 9, 1, "
                   "'exec')")
        db.execute("INSERT INTO files (id, host_id, process_id, at, op, path, place) VALUES "
                   "(50, 1, 9, 1795317140000000000, 'write', ?, 'cron')", (HOSTILE,))
        db.commit()
        db.close()

    def make(self, name, *arguments, target="9", on=None):
        file = path(name)
        result = spyq("report", target, "-o", file, *arguments, on=on or self.store)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))
        with open(file, encoding="utf-8") as made:
            return made.read()

    def sentences(self, target="9"):
        result = spyq("story", target, "--json", on=self.store)
        return json.loads(result.stdout)

    def test_the_page_needs_and_runs_nothing(self):
        text = self.make("report.html")
        page = Page(text)
        self.assertLessEqual(page.elements, ALLOWED)
        self.assertLessEqual({name for name, _ in page.attributes}, ATTRIBUTES)
        for name, value in page.attributes:
            if name == "href":
                self.assertTrue(value.startswith("#"), value)
        self.assertNotRegex(text, r"(?i)https?://(?!example\.org)|@import")
        self.assertNotIn("url(", text.replace("url(#tip)", ""))
        self.assertIn("default-src 'none'", text)
        for code in ("\x1b", "\u202e", "\u2066", "\x00"):
            self.assertNotIn(code, text)

    def test_what_was_recorded_is_text(self):
        page = Page(self.make("report.html"))
        shown = HOSTILE.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066").replace(
            "\x1b", "\\x1b").replace("\n", "\\n")
        self.assertIn(shown, page.text)
        self.assertIn("\\xff<b>", page.text)

    def test_the_page_has_each_sentence_and_its_proofs(self):
        text = self.make("report.html")
        page = Page(text)
        rows = self.sentences()
        self.assertGreater(len(rows), 8)
        links = [value[1:] for name, value in page.attributes if name == "href"]
        for row in rows:
            words = re.sub(r"[^a-zA-Z]+", " ", row["sentence"].split("<")[0].split("\\")[0])
            self.assertIn(words[:30].strip(), re.sub(r"[^a-zA-Z]+", " ", page.text))
            for proof in row["proofs"]:
                self.assertIn(proof.replace(":", "-"), links)

    def test_each_link_leads_to_a_row(self):
        page = Page(self.make("report.html"))
        ids = [value for name, value in page.attributes if name == "id"]
        self.assertEqual(len(ids), len(set(ids)))
        for name, value in page.attributes:
            if name == "href":
                self.assertIn(value[1:], ids)

    def drawing(self, text):
        found = re.search(r"<svg.*?</svg>", text, re.S).group(0)
        return xml.etree.ElementTree.fromstring(found)

    def test_the_drawing(self):
        svg = self.drawing(self.make("report.html"))
        width, height = (float(number) for number in svg.get("viewBox").split()[2:])
        boxes = [tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
                 for rect in svg.iter("rect")]
        self.assertGreaterEqual(len(boxes), 5)
        for i, (x, y, w, h) in enumerate(boxes):
            self.assertTrue(0 <= x and x + w <= width and 0 <= y and y + h <= height)
            for x2, y2, _, _ in boxes[:i]:
                self.assertTrue(abs(x - x2) >= w or abs(y - y2) >= h, "two boxes overlap")
        titles = [title.text for title in svg.iter("title")]
        self.assertTrue(any("file exec/tmp/miner" in title for title in titles), titles)
        groups = [group.get("class") for group in svg.iter("g")]
        self.assertEqual(groups.count("target"), 1)
        labels = [text.text for text in svg.iter("text") if text.get("class") == "edge"]
        self.assertIn("file \u00d73", labels)

    def test_dot(self):
        text = self.make("report.dot")
        string = r'"(?:[^"\\]|\\\\|\\")*"'
        attributes = rf" \[\w+=(?:{string}|\w+)(?:, \w+=(?:{string}|\w+))*\]"
        line = re.compile(rf"digraph spyq {{|  rankdir=LR;|  label={string};|"
                          rf"  (?:node|edge|p\d+(?: -> p\d+)?){attributes};|}}")
        for row in text.splitlines():
            self.assertRegex(row, rf"^(?:{line.pattern})$")
        self.assertIn("  p7 -> p9 [label=\"file\"", text)
        self.assertIn("  p8 -> p9 [label=\"fork\"", text)
        if shutil.which("dot"):
            subprocess.run(["dot", "-Tsvg"], input=text.encode(), check=True, capture_output=True)

    def test_json(self):
        made = json.loads(self.make("report.json"))
        self.assertEqual(made["story"], self.sentences())
        self.assertEqual(made["process_id"], 9)
        self.assertEqual(made["about"][0]["hostname"], "web1")
        nodes = {node["process_id"]: node["layer"] for node in made["nodes"]}
        self.assertEqual(nodes[9], 0)
        self.assertTrue(nodes[8] < 0 and nodes[7] < 0)
        self.assertIn((7, 9, "file"), [(edge["src"], edge["dst"], edge["kind"])
                                       for edge in made["edges"]])
        db = sqlite3.connect(self.store)
        for row in made["evidence"]["processes"]:
            self.assertEqual(db.execute("SELECT pid FROM processes WHERE id = ?",
                                        (row["id"],)).fetchone(), (row["pid"],))
        db.close()
        self.assertEqual(json.loads(spyq("report", "9", "--json", on=self.store).stdout)["nodes"],
                         made["nodes"])

    def test_the_same_twice(self):
        first = re.sub(r"made at.*", "", self.make("report.html"))
        self.assertEqual(re.sub(r"made at.*", "", self.make("report.html")), first)

    def test_many_processes(self):
        store = make_store("report-many.db")
        db = sqlite3.connect(store)
        for number in range(100, 500):
            db.execute("INSERT INTO processes (id, host_id, pid, ppid, parent_id, origin, comm, "
                       "started_at) VALUES (?, 1, ?, 901, 8, 'event', 'child', 1795317125000000000)",
                       (number, number))
            db.execute("INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst) VALUES "
                       "(?, 1, 1795317125000000000, 1795317125000000000, 1, 'fork', 8, ?)",
                       (number, number))
        db.commit()
        db.close()
        text = self.make("report.html", target="8", on=store)
        self.assertEqual(len(list(self.drawing(text).iter("rect"))), 120)
        self.assertRegex(text, r"The 120 nearest are drawn; \d+ more processes are not\.")

    def test_every_target_of_the_store(self):
        for target in ("1", "4", "6", "exe:nginx", "conn:4", ":8080", "file:/tmp/miner"):
            text = spyq("report", target, on=support.store()).stdout.decode()
            Page(text)
            self.drawing(text)

    def test_wrong_use(self):
        for words, arguments in (
                ("report makes a .html, .dot or .json file, not x.pdf", ("9", "-o", "x.pdf")),
                ("usage: spyq report TARGET -o FILE", ())):
            result = spyq("report", *arguments, on=self.store)
            self.assertEqual((result.returncode, result.stdout), (2, b""))
            self.assertEqual(result.stderr.decode(), f"spyq: {words}\n")
        result = spyq("report", "exe:nothing", "-o", path("none.html"), on=self.store)
        self.assertEqual(result.returncode, 1)
        self.assertFalse(os.path.exists(path("none.html")))
        with support.Terminal(on=self.store) as terminal:
            terminal.wait("spyq> ")
            self.assertIn("report needs a file", terminal.ask(".report 9"))
            terminal.ask(f".report 9 -o {path('prompt.html')}")
        self.assertTrue(os.path.exists(path("prompt.html")))


if __name__ == "__main__":
    unittest.main()
