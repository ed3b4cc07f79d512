/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The story of a process: who took part in it, what they did, each in a sentence with the rows that
 * prove it.
 *
 * It is told in steps, each in a file of its own: story_cast.c finds who took part and until or
 * from when what they did counts, story_edges.c and story_deeds.c make a fact of each thing they
 * did to each other and otherwise, story_fold.c puts together what repeats, story_tell.c writes.
 * The same store, question and options give the same story, word for word.
 */
#ifndef SPYQ_STORY_H
#define SPYQ_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "result.h"
#include "session.h"
#include "target.h"

/* No time at all: of who is no cause, the last moment that counts; of who is no effect the first.
 */
#define STORY_NEVER_UNTIL INT64_MIN
#define STORY_NEVER_SINCE INT64_MAX

/* No JSON number may be read as a real one: times and ids in a list are no further off. */
#define STORY_FAR      9000000000000000000LL
#define STORY_FAR_TEXT "9000000000000000000"

/* Rows of a table that are looked at. */
#define STORY_ROWS_MAX   50000
#define STORY_ROWS_LIMIT "50000"

/* Of the connections of a server those are looked at that its part of the story spans, and so many
 * before, as who is not there any more may have been the last who was. */
#define STORY_ROWS_BEFORE "1000"

/* Rows get their ids nearly, but not quite, in the order in which connections begin. */
#define STORY_SLACK "60000000000" /* ns */

/* What is told. */
struct story_question {
    int64_t process_id;
    bool causes, effects;
    int64_t until;    /* causes: up to this moment, ns; INTEGER_NULL: any */
    int64_t since;    /* effects: from this moment on, ns; INTEGER_NULL: any */
    bool moment;      /* `until` is when the process did what was asked about */
    struct span span; /* only what happened within it is told */
    bool all;         /* fold nothing */
};

/* A process that took part. Texts live as long as the story. */
struct story_actor {
    int64_t id, pid, parent_id; /* INTEGER_NULL: not known */
    int64_t started_at;         /* when it was forked; INTEGER_NULL: not known */
    int64_t ended_at;           /* INTEGER_NULL: it is alive */
    int64_t exit_code, exit_signal, uid;
    int64_t trace_id;
    int64_t fork_id;      /* the edge of its fork; INTEGER_NULL: none is recorded */
    int64_t from_id;      /* the neighbour it was reached from */
    int64_t until, since; /* what it did up to `until` and from `since` on counts, ns */
    int64_t own_since; /* `since` for other reasons than calls; before it only what they set off */
    size_t first_caller, callers; /* who called it: in story.callers */
    struct text comm, exe, cmdline, user, container, origin;
    struct text kind;         /* of the edge it was reached by */
    struct text stopped;      /* why the search went no further from here */
    size_t first_exec, execs; /* its rows in story.execs */
    int64_t stream; /* the connection that is a standard stream of it; INTEGER_NULL: none */
    size_t family;  /* story_fold.c: those that came about in the same way */
    bool cause, effect, target;
    bool hub;      /* it is one at which the search stopped */
    bool stranger; /* no part of the story, only named in it */
    bool line;     /* the target, or who forked it, and so on */
};

/* The tables that prove something, in the order of their names in story_tell.c. */
enum story_table {
    STORY_PROCESSES,
    STORY_EXECS,
    STORY_EDGES,
    STORY_CONNECTIONS,
    STORY_LISTENERS,
    STORY_DNS_QUERIES,
    STORY_FILES,
    STORY_PRIVILEGES,
    STORY_CONTAINERS,
    STORY_TRACES,
    STORY_FLAGS,
    STORY_LOSSES,
    STORY_TABLE_COUNT,
};

struct story_proof {
    enum story_table table;
    int64_t id;
};

#define STORY_PROOFS 6 /* of one fact at most */

/* How much a fact matters where not all can be told. */
enum story_weight { STORY_NOISE, STORY_PLAIN, STORY_NOTABLE, STORY_VITAL };

/* The story itself comes between what it is about and what it may lack. */
enum story_part { STORY_OPENING, STORY_BODY, STORY_CLOSING };

/* One sentence. */
struct story_fact {
    enum story_part part;
    int64_t at;       /* ns; INTEGER_NULL: not known */
    int64_t last_at;  /* of those folded into it the last */
    size_t actor;     /* whose doing it is: an index into story.actors */
    const char *kind; /* what it is about, such as an edge's kind; static */
    enum story_weight weight;
    struct text sentence;
    struct text like; /* facts of one family and kind in which this is equal are alike */
    struct story_proof proofs[STORY_PROOFS];
    size_t proof_count;
    int64_t count; /* how many it stands for, 1 where it stands for itself */
    size_t order;  /* in which it was made */
    bool folded;   /* another stands for it */
};

/* A connection that a server took. */
struct story_caller {
    size_t server;    /* an index into actors */
    size_t edge;      /* a row of story.edges; SIZE_MAX: the caller is not in the story */
    int64_t accepted; /* the server's row of connections; INTEGER_NULL: none, as for UNIX sockets */
    int64_t at, last_at; /* ns; INT64_MAX: it is open */
    int64_t until;  /* the last that the server did as a cause and that is due to this caller */
    int64_t since;  /* from when on it is an effect */
    size_t longest; /* of the server's callers up to this one who stayed last, counted from its
                       first */
};

/* What a server did that is part of the story. */
struct story_act {
    size_t server;
    int64_t at, last_at; /* ns */
    int64_t accepted;    /* the connection that fed it; INTEGER_NULL: not known */
    bool worker;         /* it forked another server */
};

struct story {
    struct session *session;
    struct story_question question;
    struct story_actor *actors; /* by id, ascending */
    size_t actor_count, capacity;
    size_t target; /* an index into actors */
    struct result cast, execs, edges, deeds[9];
    struct story_caller *callers; /* by server and time */
    size_t caller_count;
    size_t *calls;      /* of each row of edges that is a call its caller's index */
    size_t passed_over; /* processes that only used the same servers before or after */
    size_t minor;       /* rows that nobody wants to read of who does not ask for all */
    struct story_fact *facts;
    size_t fact_count, fact_capacity;
    size_t outside;        /* facts that --since and --until leave out */
    bool cut;              /* there were more rows than are looked at */
    FILE *sentence, *like; /* of the fact being made */
    struct story_fact draft;
    bool failed; /* out of memory */
};

/* ---- story_make.c ---- */

/*
 * Finds the TARGET and makes its story, bounded by the session's options: its causes, its effects,
 * or both. Free both in any case. After a failure a message has been written.
 */
enum status story_build(struct session *session, const char *target, bool causes, bool effects,
                        struct story *story, struct found *found);
void story_free(struct story *story);

/* ---- story_cast.c ---- */

/* Finds who took part, what they ran, how they acted on each other, and from when to when it
 * counts. */
enum status story_cast(struct story *story);

/* The index of a process among the actors; SIZE_MAX: it is none. */
size_t story_find(const struct story *story, int64_t id);

/* Whether the search went through an actor: only then it matters who led to it, and who called it.
 */
bool story_searched(const struct story *story, const struct story_actor *actor);

/* Columns of story.edges. */
enum story_edge_column {
    EDGE_ID,
    EDGE_SRC,
    EDGE_DST,
    EDGE_KIND,
    EDGE_AT,
    EDGE_LAST_AT,
    EDGE_OPEN,
    EDGE_COUNT,
    EDGE_CONNECTION,
    EDGE_FILE,
    EDGE_DETAIL,
    EDGE_ADDRESS,
    EDGE_PORT,
    EDGE_PATH,
    EDGE_OLD_PATH,
    EDGE_PEER,
    EDGE_MEMFD,
};

/* Columns of story.execs, in the order of process and time. */
enum story_exec_column {
    EXEC_ID,
    EXEC_PROCESS,
    EXEC_AT,
    EXEC_FILENAME,
    EXEC_EXE,
    EXEC_COMMAND,
    EXEC_SCRIPT,
    EXEC_MEMFD,
    EXEC_DELETED,
    EXEC_SETUID,
    EXEC_EUID,
    EXEC_STDIN,
    EXEC_STDOUT,
    EXEC_STDERR,
    EXEC_ERROR,
    EXEC_UID,
};

/* ---- story_list.c ---- */

/* Writes the comma and what a list says of an actor, or nothing. Returns whether it did. */
typedef bool story_item(const struct story *story, size_t actor, const void *context,
                        const char *comma, FILE *out);

/* A JSON array of what the item writes of all actors, in their order. The caller frees it; NULL: no
 * memory. */
char *story_list(const struct story *story, story_item *item, const void *context);

/* The id of each actor. context: NULL. */
story_item story_item_id;

/* ---- story_accepted.c ---- */

/* Columns of what story_accepted() finds. */
enum story_accepted_column { ACCEPTED_ID, ACCEPTED_PROCESS, ACCEPTED_AT, ACCEPTED_ENDED };

/* Fetches the connections that the story's servers took and that it looks at, newest first, into
 * *accepted, which the caller frees in any case. */
enum status story_accepted(struct story *story, struct result *accepted);

/* ---- story_callers.c ---- */

/* Finds who called whom. With --through-hubs nobody did: there is no difference made between those
 * who talk to a server. */
enum status story_callers(struct story *story);

/* The caller that a row of story.edges tells of; NULL: it is no call to a server. */
struct story_caller *story_caller(const struct story *story, size_t row);

/* An act of a server is a cause or an effect up to or from a moment on: so are the callers that it
 * is due to. Whether that is news of one of them. */
bool story_blame(struct story *story, const struct story_act *act, int64_t until);
bool story_credit(struct story *story, const struct story_act *act, int64_t since);

/* Whether an act is due to any caller; to one who is a cause at that moment; to one who was an
 * effect when it acted. */
bool story_is_due(const struct story *story, const struct story_act *act);
bool story_blamed(const struct story *story, const struct story_act *act, int64_t at);
bool story_credited(const struct story *story, const struct story_act *act);

/* Writes the rows of `connections` that a server took and that are part of the story, as a JSON
 * array; null: all are. */
void story_list_calls(const struct story *story, const struct story_actor *server, FILE *out);

/* How many of those that were looked at are no part of it. */
size_t story_other_calls(const struct story *story);

/* ---- story_times.c ---- */

/* Finds from when to when what each actor did is part of the story. */
void story_times(struct story *story);

/* A time as a list for a query has it: STORY_FAR off at most. */
int64_t story_bounded(int64_t at);

/* Whether what an actor did at that moment is part of the story; INTEGER_NULL is. */
bool story_counts(const struct story *story, const struct story_actor *actor, int64_t at);

/* Until when a row of story.edges acts; INT64_MAX: it still does. */
int64_t story_edge_last(const struct cell *edge);

/* Whether a row of story.edges carries a cause to the end of the story, or an effect from its
 * beginning. */
bool story_edge_counts(const struct story *story, size_t row);

/* ---- story_names.c ---- */

/* An integer of a cell; INTEGER_NULL where it holds none. */
int64_t story_integer(const struct cell *cell);

bool story_text_is(struct text text, const char *word);
bool story_text_equal(struct text a, struct text b);

/* The program that a process ran at that moment, as its short name. */
struct text story_name(const struct story *story, const struct story_actor *actor, int64_t at);

/* Writes recorded text as one word: in quotes unless it is plain. */
void story_put(FILE *out, struct text text);

/* "curl (pid 900, ana)", with the container it is in. `beside`, where it is not NULL, has been
 * named in this sentence: what both have in common is left out. */
void story_put_actor(FILE *out, const struct story *story, const struct story_actor *actor,
                     const struct story_actor *beside, int64_t at);

/* "192.0.2.7 port 443", behind "example.org" where the name is known. */
void story_put_endpoint(FILE *out, struct text name, struct text address, int64_t port);

/* ---- story_facts.c ---- */

/*
 * A fact is begun, its sentence written to story->sentence, and what makes it like others to
 * story->like; then it is ended, which counts it out where the question's span does. Outside the
 * two nothing may be written. False: out of memory.
 */
bool story_begin(struct story *story, const char *kind, const struct story_actor *actor, int64_t at,
                 enum story_weight weight);
void story_prove(struct story *story, enum story_table table, int64_t id);
void story_end(struct story *story);

/* ---- the facts ---- */

void story_births(struct story *story);       /* story_births.c: forks and what was executed */
void story_edges(struct story *story);        /* story_edges.c: what they did to each other */
enum status story_deeds(struct story *story); /* story_deeds.c: what else they did */

/* story_frame.c: before and after them, once they are folded. */
enum status story_frame(struct story *story);

/* ---- story_fold.c ---- */

/* Puts what is alike together. */
void story_fold(struct story *story);

/* Puts the facts in the order in which they are told. */
void story_sort(struct story *story);

/* ---- story_tell.c ---- */

/* What a table is called in the store, and a row of it in a sentence. */
const char *story_table_name(enum story_table table);
const char *story_row_name(enum story_table table);

/* A fact's sentence as a person reads it, for free(); TEXT_NULL: out of memory. */
struct text story_told(const struct story_fact *fact);

/* The facts as rows, for result_free() in any case. False: out of memory. */
bool story_rows(const struct story *story, struct result *result);

/* Tells who was asked for, the facts, and what the answer may lack. */
enum status story_tell(struct story *story, const struct found *found);

#endif
