/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who came to run what others had written: the file itself, or a copy of it, as a program, a script
 * or a library. */
#include <stdlib.h>
#include <string.h>

#include "model_file.h"

#define READERS_MAX 8192 /* beyond that the one that has not read for longest goes */
#define DEPTH_MAX   4    /* copies of copies */
#define SOURCES_MAX 64   /* files that one run is traced back to: copies may be copied in circles */

/* Until when a writer may have written, looked at from a later time. */
static uint64_t writer_until(const struct model *model, const struct file_writer *writer,
                             uint64_t time)
{
    const struct process *process = process_by_id(model, writer->process_id);

    if (!writer->mapped)
        return writer->last < time ? writer->last : time;
    if (!process)
        return writer->last;
    return process->ended && process->ended < time ? process->ended : time;
}

/* One run of a file: who ran it, how, and what of what it came from is looked at. */
struct file_run {
    struct process *process;
    const char *how; /* edges.detail */
    uint64_t time;   /* what was written later did not reach the run */
    unsigned depth;
    unsigned *left; /* files that may still be looked at */
};

static void run_file(struct model *model, struct file *file, const struct file_run *run);

/* What a writer had read itself before it last wrote. */
static void run_sources(struct model *model, const struct file_writer *writer,
                        const struct file_run *run, uint64_t until)
{
    struct key key = {(uint64_t)writer->process_id, 0};
    const struct file_reader *reader = index_get(&model->files->readers, key);
    struct file_run deeper = *run;

    if (!reader || run->depth == DEPTH_MAX)
        return;
    deeper.how = "copy";
    deeper.depth++;
    for (unsigned i = 0; i < READS_MAX && i < reader->count; i++) {
        struct file *file = file_find(model, reader->reads[i].file);
        deeper.time = reader->reads[i].time;
        if (file && deeper.time <= until)
            run_file(model, file, &deeper);
    }
}

/* All who have written a file acted on who ran it. */
static void run_file(struct model *model, struct file *file, const struct file_run *run)
{
    if (!*run->left)
        return;
    --*run->left;
    file_matters(model, file);
    for (unsigned i = 0; i < file->writer_count; i++) {
        const struct file_writer *writer = &file->writers[i];
        uint64_t until = writer_until(model, writer, run->time);
        struct evidence evidence = {
            .connection_id = writer->connection_id,
            .file_id = writer->row_id,
            .detail = model_constant(run->how),
        };
        if (writer->first > run->time)
            continue;
        edge_act_by(model, "file", writer->process_id, run->process, writer->first, until,
                    &evidence);
        run_sources(model, writer, run, until);
    }
}

static void file_run(struct model *model, struct file *file, struct process *process,
                     const char *how, uint64_t time)
{
    unsigned left = SOURCES_MAX;
    struct file_run run = {.process = process, .how = how, .time = time, .left = &left};

    if (file && process)
        run_file(model, file, &run);
}

static struct file_reader *reader_of(struct model *model, const struct process *process)
{
    struct file_state *state = model->files;
    struct key key = {(uint64_t)process->row.id, 0};
    struct file_reader *reader = index_get(&state->readers, key);

    if (reader) {
        TAILQ_REMOVE(&state->recent_readers, reader, recent);
        TAILQ_INSERT_TAIL(&state->recent_readers, reader, recent);
        return reader;
    }
    reader = calloc(1, sizeof(*reader));
    if (!reader || index_put(&state->readers, key, reader) < 0) {
        free(reader);
        model->unkept++;
        return NULL;
    }
    reader->key = key;
    TAILQ_INSERT_TAIL(&state->recent_readers, reader, recent);
    return reader;
}

static void reader_free(struct file_state *state, struct file_reader *reader)
{
    TAILQ_REMOVE(&state->recent_readers, reader, recent);
    index_remove(&state->readers, reader->key);
    free(reader);
}

static void remember_read(struct model *model, const struct process *process,
                          const struct file *file, uint64_t time)
{
    struct file_reader *reader = reader_of(model, process);

    if (!reader)
        return;
    reader->reads[reader->count % READS_MAX].file = file->key;
    reader->reads[reader->count % READS_MAX].time = time;
    reader->count++;
    if (model->files->readers.count > READERS_MAX)
        reader_free(model->files, TAILQ_FIRST(&model->files->recent_readers));
}

void file_forget_readers(struct file_state *state)
{
    while (!TAILQ_EMPTY(&state->recent_readers))
        reader_free(state, TAILQ_FIRST(&state->recent_readers));
}

/* ---- scripts ---- */

static struct text base_name(struct text path)
{
    size_t at = path.length;

    if (!path.data)
        return path;
    while (at && path.data[at - 1] != '/')
        at--;
    return (struct text){path.data + at, path.length - at};
}

/* Programs that run what a file holds; a version may follow the name. */
static bool is_interpreter(struct text exe)
{
    static const char *const names[] = {
        "sh",      "ash",     "bash", "dash",   "zsh",   "ksh",    "mksh",   "fish",
        "busybox", "tcsh",    "csh",  "awk",    "gawk",  "mawk",   "python", "perl",
        "ruby",    "node",    "php",  "nodejs", "lua",   "luajit", "tclsh",  "wish",
        "expect",  "Rscript", "java", "pwsh",   "guile", "deno",   "bun",    NULL};
    struct text name = base_name(exe);

    if (!exe.data)
        return false;
    while (name.length && strchr("0123456789.-", name.data[name.length - 1]))
        name.length--;
    return model_one_of(name, names) != NULL;
}

/* Whether an argument is the name, or a path that ends with it. */
static bool is_named(struct text arguments, struct text name)
{
    for (size_t at = 0; name.length && at + name.length <= arguments.length; at++) {
        size_t end = at + name.length;
        if (memcmp(arguments.data + at, name.data, name.length) == 0 &&
            (!at || arguments.data[at - 1] == ' ' || arguments.data[at - 1] == '/') &&
            (end == arguments.length || arguments.data[end] == ' '))
            return true;
    }
    return false;
}

/* Whether all arguments behind the program's name are options: it then reads its input. */
static bool only_options(struct text argv)
{
    bool first = true;

    for (size_t at = 0; at < argv.length; at += strnlen(argv.data + at, argv.length - at) + 1) {
        if (!first && argv.data[at] != '-')
            return false;
        first = false;
    }
    return true;
}

static void note_interpreter(struct process *process, const struct event *event)
{
    const struct event_image *image = &event->exec->image;

    process->interprets =
        image->flags & EVENT_IMAGE_SCRIPT || is_interpreter(event_text(event, image->exe));
    process->input = process->interprets && only_options(event_text(event, image->argv))
                         ? image->stdio[0].inode
                         : 0;
}

static bool is_script_of(const struct process *process, const struct file *file)
{
    if (!process->interprets)
        return false;
    return process->input == file->key.a ||
           is_named(shared_text(process->text.cmdline), base_name(shared_text(file->path)));
}

void file_read(struct model *model, const struct event *event)
{
    struct file *file = file_find(model, file_event_key(event->file));
    struct process *process = process_of(model, event->header);

    if (!file || !process)
        return;
    file_refresh(model, file, event);
    remember_read(model, process, file, event->header->time);
    if (is_script_of(process, file))
        file_run(model, file, process, "script", event->header->time);
}

void file_load(struct model *model, const struct event *event)
{
    struct file *file = file_find(model, file_event_key(event->file));
    struct process *process = process_of(model, event->header);

    if (!file || !process)
        return;
    file_refresh(model, file, event);
    file_run(model, file, process, "load", event->header->time);
}

void file_executed(struct model *model, struct process *process, const struct event *event)
{
    const struct event_image *image = &event->exec->image;

    note_interpreter(process, event);
    file_run(model, file_find(model, file_key(image->inode, image->device, image->generation)),
             process, "exec", event->header->time);
}
