/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How each came to be, and what it executed later. */
#include <inttypes.h>
#include <string.h>

#include "story.h"

#define FORK_TO_EXEC 1000000000LL /* ns: what is executed within them is what was forked for */

static bool is_set(const struct cell *cell)
{
    return cell->type == CELL_INTEGER && cell->integer != 0;
}

/* Where the distribution's programs are. */
static bool is_system_path(struct text path)
{
    static const char *const places[] = {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (path.length >= strlen(places[i]) && !memcmp(path.data, places[i], strlen(places[i])))
            return true;
    return false;
}

/* Of a program that the arguments hide. */
static void put_real_path(FILE *out, const struct cell *exec)
{
    struct text exe = text_of_cell(&exec[EXEC_EXE]);
    struct text command = text_of_cell(&exec[EXEC_COMMAND]);
    if (!exe.data || is_system_path(exe) || is_set(&exec[EXEC_MEMFD]) ||
        (command.data && exe.length && memmem(command.data, command.length, exe.data, exe.length)))
        return;
    fputs(", which is ", out);
    story_put(out, exe);
}

static void put_privilege(FILE *out, const struct cell *exec)
{
    if (!is_set(&exec[EXEC_SETUID]))
        return;
    int64_t uid = story_integer(&exec[EXEC_EUID]);
    if (uid == 0)
        fputs(", a setuid program that made it root", out);
    else
        fprintf(out, ", a setuid program that made it user id %" PRId64, uid);
}

static void put_program(FILE *out, const struct cell *exec)
{
    struct text command = text_of_cell(&exec[EXEC_COMMAND]);
    story_put(out, command.length ? command : text_of_cell(&exec[EXEC_FILENAME]));
}

/* What is odd about the program. */
static void put_oddities(FILE *out, const struct cell *exec)
{
    put_real_path(out, exec);
    if (is_set(&exec[EXEC_MEMFD]))
        fputs(", a program that exists in memory only", out);
    else if (is_set(&exec[EXEC_DELETED]))
        fputs(", a program whose file had been deleted", out);
    put_privilege(out, exec);
}

static enum story_weight exec_weight(const struct cell *exec)
{
    bool odd =
        is_set(&exec[EXEC_MEMFD]) || is_set(&exec[EXEC_DELETED]) || is_set(&exec[EXEC_SETUID]);
    return odd ? STORY_NOTABLE : STORY_PLAIN;
}

/* What a child was forked for; NULL: nothing. */
static const struct cell *first_exec(const struct story *story, const struct story_actor *actor)
{
    for (size_t i = 0; i < actor->execs; i++) {
        const struct cell *exec = result_row(&story->execs, actor->first_exec + i);
        if (exec[EXEC_ERROR].type != CELL_NULL)
            continue;
        bool soon = actor->started_at == INTEGER_NULL ||
                    exec[EXEC_AT].integer - actor->started_at <= FORK_TO_EXEC;
        return soon && (actor->target || story_counts(story, actor, exec[EXEC_AT].integer)) ? exec
                                                                                            : NULL;
    }
    return NULL;
}

/* ---- births ---- */

static void tell_birth(struct story *story, const struct story_actor *actor,
                       const struct story_actor *parent, const struct cell *exec)
{
    FILE *out = story->sentence;
    story_put_actor(out, story, parent, NULL, actor->started_at);
    if (exec) {
        fputs(" ran ", out);
        put_program(out, exec);
    } else {
        fputs(" forked a child", out);
    }
    fprintf(out, " (pid %" PRId64, actor->pid);
    if (actor->user.data &&
        (actor->user.length != parent->user.length ||
         memcmp(actor->user.data, parent->user.data, actor->user.length) != 0)) {
        fputs(exec && story_integer(&exec[EXEC_UID]) == actor->uid ? ", as " : ", later ", out);
        story_put(out, actor->user);
    }
    fputc(')', out);
    if (exec)
        put_oddities(out, exec);
}

static void tell_presence(struct story *story, const struct story_actor *actor,
                          const struct story_actor *parent, const struct cell *exec)
{
    FILE *out = story->sentence;
    bool scanned = story_text_is(actor->origin, "scan");
    story_put_actor(out, story, actor, NULL, exec ? exec[EXEC_AT].integer : actor->started_at);
    if (exec || actor->cmdline.length) {
        fputs(", ", out);
        if (exec)
            put_program(out, exec);
        else
            story_put(out, actor->cmdline);
        fputc(',', out);
    }
    fputs(scanned ? " was running when the recorder came" : " began", out);
    if (parent) {
        fputs(", a child of ", out);
        story_put_actor(out, story, parent, actor, actor->started_at);
    }
    if (exec)
        put_oddities(out, exec);
}

static void add_birth(struct story *story, const struct story_actor *actor, const struct cell *exec)
{
    size_t found = story_find(story, actor->parent_id);
    const struct story_actor *parent = found == SIZE_MAX ? NULL : &story->actors[found];
    bool seen = parent && story_text_is(actor->origin, "event");
    enum story_weight weight = exec && seen ? exec_weight(exec) : STORY_PLAIN;
    if (!story_begin(story, "fork", actor, actor->started_at, actor->target ? STORY_VITAL : weight))
        return;
    if (seen)
        tell_birth(story, actor, parent, exec);
    else
        tell_presence(story, actor, parent, exec);
    if (exec)
        put_program(story->like, exec);
    story_prove(story, STORY_PROCESSES, actor->id);
    story_prove(story, STORY_EDGES, actor->fork_id);
    if (exec)
        story_prove(story, STORY_EXECS, exec[EXEC_ID].integer);
    story_end(story);
}

/* ---- ends ---- */

/* Of the target always; of others where a signal made it. */
static void add_end(struct story *story, const struct story_actor *actor)
{
    bool killed = actor->exit_signal != INTEGER_NULL && actor->exit_signal != 0;
    if (!actor->target && (!killed || !story_counts(story, actor, actor->ended_at)))
        return;
    if (!story_begin(story, "exit", actor, actor->ended_at, killed ? STORY_PLAIN : STORY_NOISE))
        return;
    FILE *out = story->sentence;
    story_put_actor(out, story, actor, NULL, INTEGER_NULL);
    if (killed)
        fprintf(out, " was killed by signal %" PRId64, actor->exit_signal);
    else if (actor->exit_code != INTEGER_NULL)
        fprintf(out, " ended with exit code %" PRId64, actor->exit_code);
    else
        fputs(" was gone", out);
    story_prove(story, STORY_PROCESSES, actor->id);
    story_end(story);
}

/* ---- later execs ---- */

/* One of the places in which a program was looked for that was then found. */
static bool is_lookup(const struct story *story, const struct story_actor *actor, size_t index)
{
    struct text command =
        text_of_cell(&result_row(&story->execs, actor->first_exec + index)[EXEC_COMMAND]);
    for (size_t i = index + 1; i < actor->execs; i++) {
        const struct cell *exec = result_row(&story->execs, actor->first_exec + i);
        if (exec[EXEC_ERROR].type == CELL_NULL)
            return text_same(text_of_cell(&exec[EXEC_COMMAND]), command);
    }
    return false;
}

static void put_failure(FILE *out, const struct cell *exec)
{
    fputs(" could not run ", out);
    story_put(out, text_of_cell(&exec[EXEC_FILENAME]));
    fputs(": ", out);
    story_put(out, text_of_cell(&exec[EXEC_ERROR]));
}

static void add_exec(struct story *story, const struct story_actor *actor, const struct cell *exec,
                     bool lookup)
{
    bool failed = exec[EXEC_ERROR].type == CELL_TEXT;
    if (!story_begin(story, failed ? "exec failed" : "exec", actor, exec[EXEC_AT].integer,
                     failed ? STORY_NOISE : exec_weight(exec)))
        return;
    FILE *out = story->sentence;
    story_put_actor(out, story, actor, NULL, exec[EXEC_AT].integer - 1);
    if (failed) {
        put_failure(out, exec);
    } else {
        fputs(" became ", out);
        put_program(out, exec);
        put_oddities(out, exec);
        story_put(story->like, text_of_cell(&exec[EXEC_EXE]));
    }
    story_prove(story, STORY_EXECS, exec[EXEC_ID].integer);
    story->draft.folded = lookup && !story->question.all;
    story_end(story);
}

static void add_execs(struct story *story, const struct story_actor *actor,
                      const struct cell *first)
{
    for (size_t i = 0; i < actor->execs; i++) {
        const struct cell *exec = result_row(&story->execs, actor->first_exec + i);
        if (exec != first && story_counts(story, actor, exec[EXEC_AT].integer))
            add_exec(story, actor, exec, is_lookup(story, actor, i));
    }
}

void story_births(struct story *story)
{
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct story_actor *actor = &story->actors[i];
        const struct cell *exec = first_exec(story, actor);
        bool told = actor->target || story_counts(story, actor, actor->started_at);
        if (told)
            add_birth(story, actor, exec);
        add_execs(story, actor, told ? exec : NULL);
        if (actor->ended_at != INTEGER_NULL)
            add_end(story, actor);
    }
}
