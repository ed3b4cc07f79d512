/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What processes, files and addresses are called in a story. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define TEXT_SHOWN 200 /* bytes of a recorded text that a sentence has */

int64_t story_integer(const struct cell *cell)
{
    return cell->type == CELL_INTEGER ? cell->integer : INTEGER_NULL;
}

bool story_text_is(struct text text, const char *word)
{
    return text.data && text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static struct text base_name(struct text path)
{
    const char *slash = path.data ? memrchr(path.data, '/', path.length) : NULL;
    if (!slash)
        return path;
    return (struct text){slash + 1, path.length - (size_t)(slash + 1 - path.data)};
}

/* A name that stands for whatever program it leads to: a descriptor's number, or that of procfs for
 * the program that runs. */
static bool is_pronoun(struct text path)
{
    static const char self[] = "/proc/self/exe";
    struct text name = base_name(path);
    size_t digits = 0;
    while (digits < name.length && name.data[digits] >= '0' && name.data[digits] <= '9')
        digits++;
    return digits == name.length ||
           (path.length == sizeof self - 1 && memcmp(path.data, self, sizeof self - 1) == 0);
}

static struct text exec_name(const struct cell *exec)
{
    struct text path = text_of_cell(&exec[EXEC_FILENAME]);
    return base_name(is_pronoun(path) ? text_of_cell(&exec[EXEC_EXE]) : path);
}

/* The last that succeeded by then; NULL: none. */
static const struct cell *exec_at(const struct story *story, const struct story_actor *actor,
                                  int64_t at)
{
    const struct cell *last = NULL;
    for (size_t i = 0; i < actor->execs; i++) {
        const struct cell *exec = result_row(&story->execs, actor->first_exec + i);
        if (at != INTEGER_NULL && exec[EXEC_AT].integer > at)
            break;
        if (exec[EXEC_ERROR].type == CELL_NULL)
            last = exec;
    }
    return last;
}

#define GENERATIONS 64 /* that a name is looked for in */

struct text story_name(const struct story *story, const struct story_actor *actor, int64_t at)
{
    for (int i = 0; i < GENERATIONS; i++) {
        const struct cell *exec = exec_at(story, actor, at);
        if (exec && exec_name(exec).length)
            return exec_name(exec);
        size_t parent = actor->execs ? story_find(story, actor->parent_id) : SIZE_MAX;
        if (parent == SIZE_MAX || actor->started_at == INTEGER_NULL)
            break;
        at = actor->started_at;
        actor = &story->actors[parent];
    }
    return actor->comm;
}

static bool is_plain(struct text text)
{
    static const char marks[] = "_./:=@%+,~-[]*#";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return text.length > 0;
}

/* Not in the middle of a character. */
static size_t cut_length(struct text text)
{
    size_t length = TEXT_SHOWN;
    if (text.length <= TEXT_SHOWN)
        return text.length;
    while (length > TEXT_SHOWN - 4 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length--;
    return length;
}

void story_put(FILE *out, struct text text)
{
    size_t length = cut_length(text);
    bool plain = is_plain(text);
    if (!text.data) {
        fputc('?', out);
        return;
    }
    fputs(plain ? "" : "\"", out);
    for (size_t i = 0; i < length; i++) {
        if (!plain && text.data[i] == '"')
            fputc('\\', out);
        fputc(text.data[i], out);
    }
    fputs(length < text.length ? "..." : "", out);
    fputs(plain ? "" : "\"", out);
}

bool story_text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

void story_put_actor(FILE *out, const struct story *story, const struct story_actor *actor,
                     const struct story_actor *beside, int64_t at)
{
    story_put(out, story_name(story, actor, at));
    fprintf(out, " (pid %" PRId64, actor->pid);
    if (actor->user.data && (!beside || !story_text_equal(actor->user, beside->user))) {
        fputs(", ", out);
        story_put(out, actor->user);
    }
    if (actor->container.data &&
        (!beside || !story_text_equal(actor->container, beside->container))) {
        fputs(", in container ", out);
        story_put(out, actor->container);
    }
    fputc(')', out);
}

void story_put_endpoint(FILE *out, struct text name, struct text address, int64_t port)
{
    if (name.data) {
        story_put(out, name);
        fputs(" (", out);
    }
    story_put(out, address);
    if (port != INTEGER_NULL)
        fprintf(out, " port %" PRId64, port);
    fputs(name.data ? ")" : "", out);
}
