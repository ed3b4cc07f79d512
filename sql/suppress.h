/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suppressions: which flags are known to be harmless, as people have said in the user's store
 * beside the recorded one. A judge takes them over into a temporary table of its connection.
 */
#ifndef SPYQ_SUPPRESS_H
#define SPYQ_SUPPRESS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Of the file as it was last read; all zero: there was none. */
struct suppressions {
    struct stat read;
};

/* Makes the temporary table, empty. Returns SQLite's result code. */
int suppressions_prepare(sqlite3 *db);

/* Whether the file is another than when it was read. */
bool suppressions_changed(const struct suppressions *known, const char *path);

/*
 * Reads the file into the table; a missing one is no suppression. Returns false, with the reason in
 * `trouble`, when it can not be read or is none of ours: then there is none either.
 */
bool suppressions_load(struct suppressions *known, sqlite3 *db, const char *path, char *trouble,
                       size_t size);

/*
 * An expression in SQL: the id of the suppression under which a row `f` of flags falls, or NULL.
 * An ancestor is any process above the flagged one.
 */
#define SUPPRESSED_BY                                                                              \
    "(SELECT s.id FROM temp.suppressions AS s"                                                     \
    " LEFT JOIN main.processes AS p ON p.id = f.process_id"                                        \
    " WHERE (s.expires_at IS NULL OR s.expires_at >= f.at)"                                        \
    " AND (s.rule IS NULL OR f.rule GLOB s.rule)"                                                  \
    " AND (s.program IS NULL OR p.exe GLOB s.program OR p.comm GLOB s.program)"                    \
    " AND (s.user IS NULL OR p.user = s.user)"                                                     \
    " AND (s.container IS NULL OR p.container_id GLOB s.container OR EXISTS ("                     \
    "  SELECT 1 FROM main.containers AS c"                                                         \
    "  WHERE c.container_id = p.container_id AND c.name GLOB s.container))"                        \
    " AND (s.arguments IS NULL OR p.cmdline GLOB s.arguments)"                                     \
    " AND (s.ancestor IS NULL OR EXISTS ("                                                         \
    "  WITH RECURSIVE above (id, parent_id, exe, comm) AS ("                                       \
    "   SELECT id, parent_id, exe, comm FROM main.processes WHERE id = p.parent_id"                \
    "   UNION SELECT a.id, a.parent_id, a.exe, a.comm"                                             \
    "   FROM above CROSS JOIN main.processes AS a ON a.id = above.parent_id)"                      \
    "  SELECT 1 FROM above WHERE exe GLOB s.ancestor OR comm GLOB s.ancestor))"                    \
    " ORDER BY s.id LIMIT 1)"

#endif
