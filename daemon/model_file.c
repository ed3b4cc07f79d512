/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that were written, and those who came to run them. Nearly all of them never matter: they
 * are kept in mind for a while, and only when one is executed, run as a script or loaded, is in a
 * place where others will run or trust it, or is a program, do rows say who wrote it.
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "model_private.h"
#include "places.h"

#define FILES_MAX   32768 /* kept in mind; beyond that the one that was not used for longest goes */
#define READERS_MAX 8192
#define WRITERS_MAX 4  /* of one file: the last to have come */
#define READS_MAX   8  /* of one process: the last */
#define DEPTH_MAX   4  /* copies of copies */
#define SOURCES_MAX 64 /* files that one run is traced back to: copies may be copied in circles */

#define PERMISSIONS 07777u
#define EXECUTABLE  0111u
#define SETUID      04000u

struct file_writer {
    uint64_t start;
    uint64_t first; /* when it wrote; boot clock, ns */
    uint64_t last;
    int64_t process_id;
    int64_t connection_id; /* what fed it; INTEGER_NULL: none, or it is not clear which */
    int64_t row_id;        /* 0: no row so far */
    uint32_t pid;
    bool mapped; /* it may have written for longer than it was seen to */
};

struct file {
    struct key key;
    struct shared *path;    /* now, as far as it is known */
    struct shared *written; /* when it was first written */
    uint64_t size;
    uint32_t device;
    uint32_t mode;
    bool memfd;
    struct file_writer *writers; /* in order of their first write */
    unsigned writer_count;
    unsigned writer_room; /* most files have one writer */
    TAILQ_ENTRY(file) recent;
};
TAILQ_HEAD(file_list, file);

/* What a process has read of what others had written: it may have passed it on. */
struct file_reader {
    struct key key; /* id of its row */
    struct {
        struct key file;
        uint64_t time;
    } reads[READS_MAX];
    unsigned count; /* of all reads; the newest is at (count - 1) % READS_MAX */
    TAILQ_ENTRY(file_reader) recent;
};
TAILQ_HEAD(file_reader_list, file_reader);

struct file_state {
    struct index files;            /* (inode, device and generation) -> struct file */
    struct index paths;            /* hash of a path -> the struct file that was last called so */
    struct index readers;          /* id of a process -> struct file_reader */
    struct file_list recent_files; /* that which was used last is the last */
    struct file_reader_list recent_readers;
};

static struct file_state *state_of(struct model *model)
{
    struct file_state *state = model->files;

    if (state)
        return state;
    state = calloc(1, sizeof(*state));
    if (!state) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&state->recent_files);
    TAILQ_INIT(&state->recent_readers);
    model->files = state;
    return state;
}

/* ---- paths ---- */

static struct key path_key(struct text path)
{
    return (struct key){hash_bytes(HASH_START, path.data, path.length), path.length};
}

static bool same_text(struct text one, struct text other)
{
    return one.length == other.length && one.data && other.data &&
           memcmp(one.data, other.data, one.length) == 0;
}

/* Takes the last name off a path. */
static size_t path_parent(const char *path, size_t length)
{
    while (length && path[length - 1] != '/')
        length--;
    return length ? length - 1 : 0;
}

/* Appends names to a path, with `.`, `..` and repeated slashes taken for what they mean. */
static size_t path_append(char *path, size_t length, struct text names)
{
    for (size_t at = 0, end; at < names.length; at = end + 1) {
        const char *slash = memchr(names.data + at, '/', names.length - at);
        size_t size;

        end = slash ? (size_t)(slash - names.data) : names.length;
        size = end - at;
        if (!size || (size == 1 && names.data[at] == '.'))
            continue;
        if (size == 2 && memcmp(names.data + at, "..", 2) == 0) {
            length = path_parent(path, length);
            continue;
        }
        path[length++] = '/';
        memcpy(path + length, names.data + at, size);
        length += size;
    }
    return length;
}

/* A name as it was given to a system call, made absolute; NULL where there is none. */
static struct shared *path_absolute(struct text directory, struct text name)
{
    char path[EVENT_RECORD_MAX + 2];
    size_t length = 0;

    if (!name.data)
        return NULL;
    if (name.data[0] != '/')
        length = path_append(path, length, directory);
    length = path_append(path, length, name);
    if (!length)
        path[length++] = '/';
    return shared_new((struct text){path, length});
}

/* ---- keeping files in mind ---- */

static struct key file_key(uint64_t inode, uint32_t device, uint32_t generation)
{
    return (struct key){inode, (uint64_t)device << 32 | generation};
}

static struct key event_key(const struct event_file *event)
{
    return file_key(event->inode, event->device, event->generation);
}

static struct file *file_find(const struct model *model, struct key key)
{
    return model->files ? index_get(&model->files->files, key) : NULL;
}

/* The file that was last called so; NULL: none is known. */
static struct file *file_called(const struct model *model, struct text path)
{
    struct file *file;

    if (!model->files || !path.data)
        return NULL;
    file = index_get(&model->files->paths, path_key(path));
    return file && same_text(shared_text(file->path), path) ? file : NULL;
}

static void file_free(struct model *model, struct file *file)
{
    struct text path = shared_text(file->path);

    TAILQ_REMOVE(&model->files->recent_files, file, recent);
    index_remove(&model->files->files, file->key);
    if (path.data && index_get(&model->files->paths, path_key(path)) == file)
        index_remove(&model->files->paths, path_key(path));
    shared_drop(file->path);
    shared_drop(file->written);
    free(file->writers);
    free(file);
}

static struct file *file_new(struct model *model, const struct event_file *event)
{
    struct file_state *state = state_of(model);
    struct file *file = state ? calloc(1, sizeof(*file)) : NULL;

    if (!file || index_put(&state->files, event_key(event), file) < 0) {
        free(file);
        model->unkept++;
        return NULL;
    }
    file->key = event_key(event);
    file->device = event->device;
    TAILQ_INSERT_TAIL(&state->recent_files, file, recent);
    if (state->files.count > FILES_MAX)
        file_free(model, TAILQ_FIRST(&state->recent_files));
    return file;
}

/* ---- rows ---- */

/* A row about what an event's process did, without the file. */
static struct row_file row_begin(struct model *model, const struct process *process, const char *op,
                                 uint64_t time)
{
    struct row_file row;

    row_clear(ROW_FILE, &row);
    row.process_id = process ? process->row.id : INTEGER_NULL;
    row.at = model_wall(model, time);
    row.op = model_constant(op);
    row.host_id = model->host_id;
    return row;
}

static void row_put(struct model *model, struct row_file *row, const struct file *file)
{
    struct shared *device = file ? image_device(file->device) : NULL;

    if (file) {
        row->device = shared_text(device);
        row->inode = (int64_t)file->key.a;
        row->memfd = file->memfd;
    }
    model_put(model, ROW_FILE, row);
    shared_drop(device);
}

/* The row of a writer: made when it first matters, and again when there is more to say. */
static void writer_put(struct model *model, const struct file *file, struct file_writer *writer)
{
    struct row_file row = row_begin(model, NULL, "write", writer->first);

    if (!writer->row_id)
        writer->row_id = model_id(model, ROW_FILE);
    row.id = writer->row_id;
    row.process_id = writer->process_id;
    row.path = shared_text(file->path);
    if (!same_text(row.path, shared_text(file->written)))
        row.old_path = shared_text(file->written);
    row.mode = file->mode;
    row.size = (int64_t)file->size;
    row.last_at = model_wall(model, writer->last);
    row.connection_id = writer->connection_id;
    row.place = place_of(model->places, row.path);
    row_put(model, &row, file);
}

static void file_matters(struct model *model, struct file *file)
{
    for (unsigned i = 0; i < file->writer_count; i++)
        if (!file->writers[i].row_id)
            writer_put(model, file, &file->writers[i]);
}

/* Whether it is a program by its mode. Every memfd is: that says nothing. */
static bool is_program(const struct file *file)
{
    return file->mode & EXECUTABLE && !file->memfd;
}

/* ---- as it is now ---- */

/* What it is called from now on; takes over the hold of `path`. Rows of what was written follow. */
static void file_set_path(struct model *model, struct file *file, struct shared *path)
{
    struct index *paths = &model->files->paths;
    struct text old = shared_text(file->path);

    if (!path || same_text(old, shared_text(path))) {
        shared_drop(path);
        return;
    }
    if (old.data && index_get(paths, path_key(old)) == file)
        index_remove(paths, path_key(old));
    shared_set(&file->path, path);
    if (index_put(paths, path_key(shared_text(path)), file) < 0)
        model->unkept++;
    for (unsigned i = 0; i < file->writer_count; i++)
        if (file->writers[i].row_id)
            writer_put(model, file, &file->writers[i]);
}

/* A file that is known is as the event says. */
static void file_refresh(struct model *model, struct file *file, const struct event *event)
{
    const struct event_file *now = event->file;

    TAILQ_REMOVE(&model->files->recent_files, file, recent);
    TAILQ_INSERT_TAIL(&model->files->recent_files, file, recent);
    file->mode = now->mode;
    file->size = now->size;
    file->memfd = now->flags & EVENT_FILE_MEMFD;
    file_set_path(model, file, shared_new(event_text(event, now->path)));
}

/* ---- written ---- */

static struct file_writer *writer_find(struct file *file, uint32_t pid, uint64_t start)
{
    for (unsigned i = 0; i < file->writer_count; i++)
        if (file->writers[i].pid == pid && file->writers[i].start == start)
            return &file->writers[i];
    return NULL;
}

/* A place for one more: of so many the first gives up its own. */
static bool writers_grow(struct file *file)
{
    unsigned room = file->writer_room ? 2 * file->writer_room : 1;
    struct file_writer *writers;

    if (file->writer_count == WRITERS_MAX)
        memmove(&file->writers[0], &file->writers[1],
                --file->writer_count * sizeof(file->writers[0]));
    if (file->writer_count < file->writer_room)
        return true;
    writers = reallocarray(file->writers, room, sizeof(*writers));
    if (!writers)
        return false;
    file->writers = writers;
    file->writer_room = room;
    return true;
}

/* NULL when out of memory. */
static struct file_writer *writer_add(struct model *model, struct file *file,
                                      const struct process *process, uint64_t time)
{
    if (!writers_grow(file)) {
        model->unkept++;
        return NULL;
    }
    file->writers[file->writer_count] = (struct file_writer){
        .start = process->start,
        .pid = process->pid,
        .process_id = process->row.id,
        .first = time,
        .last = time,
        .connection_id = connection_feeding(model, process),
    };
    return &file->writers[file->writer_count++];
}

/* What was written before the recorder knew of the process is nobody's. */
static struct process *writer_process(struct model *model, const struct event *event)
{
    const struct event_header *header = event->header;

    if (event->file->written == header->time)
        return process_of(model, header);
    return process_known(model, header->pid, header->start);
}

void file_write(struct model *model, const struct event *event)
{
    const struct event_file *write = event->file;
    struct file *file = file_find(model, event_key(write));
    struct file_writer *writer =
        file ? writer_find(file, event->header->pid, event->header->start) : NULL;
    struct process *process = writer_process(model, event);

    if (!writer && !process)
        return;
    if (!file)
        file = file_new(model, write);
    if (!file)
        return;
    file_refresh(model, file, event);
    if (!file->written)
        file->written = shared_hold(file->path);
    if (!writer)
        writer = writer_add(model, file, process, write->written);
    else if (process && writer->connection_id == INTEGER_NULL)
        writer->connection_id = connection_feeding(model, process);
    if (!writer)
        return;
    if (writer->last < write->written)
        writer->last = write->written;
    writer->mapped |= (write->flags & EVENT_FILE_MMAP) != 0;
    if (writer->row_id || is_program(file) || place_of(model->places, shared_text(file->path)).data)
        writer_put(model, file, writer);
}

/* ---- used ---- */

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
    struct file *file = file_find(model, event_key(event->file));
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
    struct file *file = file_find(model, event_key(event->file));
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

/* ---- names ---- */

/* What an event says of a name. */
struct file_names {
    struct shared *path;
    struct shared *old_path;
    struct text place; /* of the new name, else of the old */
};

static struct file_names names_of(const struct model *model, const struct event *event)
{
    const struct event_file *change = event->file;
    struct file_names names = {
        .path =
            path_absolute(event_text(event, change->directory), event_text(event, change->path)),
        .old_path = path_absolute(event_text(event, change->old_directory),
                                  event_text(event, change->old_path)),
    };

    names.place = place_of(model->places, shared_text(names.path));
    if (!names.place.data)
        names.place = place_of(model->places, shared_text(names.old_path));
    return names;
}

static void names_drop(struct file_names *names)
{
    shared_drop(names->path);
    shared_drop(names->old_path);
}

/* The file itself, where it has been seen before: by its number, else by the name. */
static struct file *named_file(const struct model *model, const struct event *event,
                               const struct shared *path)
{
    if (!(event->file->flags & EVENT_FILE_BY_NAME))
        return file_find(model, event_key(event->file));
    return file_called(model, shared_text(path));
}

static void names_put(struct model *model, const struct event *event,
                      const struct file_names *names, const char *op, const struct file *file)
{
    struct process *process = process_of(model, event->header);
    struct row_file row = row_begin(model, process, op, event->header->time);

    row.id = model_id(model, ROW_FILE);
    row.path = shared_text(names->path);
    row.old_path = shared_text(names->old_path);
    row.place = names->place;
    row.mode = file ? file->mode : event->file->mode ? event->file->mode : INTEGER_NULL;
    if (!(event->file->flags & EVENT_FILE_BY_NAME))
        row.size = (int64_t)event->file->size;
    row_put(model, &row, file);
}

void file_rename(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);
    struct file *file = named_file(model, event, names.old_path);

    if (file)
        file_set_path(model, file, shared_hold(names.path));
    if (names.place.data)
        names_put(model, event, &names, "rename", file);
    if (names.place.data && file)
        file_matters(model, file);
    names_drop(&names);
}

void file_link(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);
    struct file *file = named_file(model, event, names.old_path);

    if (file && !(event->file->flags & EVENT_FILE_BY_NAME))
        file_set_path(model, file, shared_hold(names.path)); /* it had none */
    if (names.place.data)
        names_put(model, event, &names, "link", file);
    if (names.place.data && file)
        file_matters(model, file);
    names_drop(&names);
}

/* What a symbolic link holds is kept as it is. */
void file_symlink(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);

    shared_set(&names.old_path, shared_new(event_text(event, event->file->old_path)));
    names.place = place_of(model->places, shared_text(names.path));
    if (names.place.data)
        names_put(model, event, &names, "link", NULL);
    names_drop(&names);
}

/* Worth a row: in a place, what was written becomes a program, or whoever runs it gets more rights.
 */
void file_chmod(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);
    struct file *file = named_file(model, event, names.path);
    uint32_t mode = event->file->mode & PERMISSIONS;
    bool was_program = !file || is_program(file);

    if (file)
        file->mode = (file->mode & ~PERMISSIONS) | mode;
    if (!was_program && is_program(file))
        file_matters(model, file);
    if (names.place.data || mode & SETUID || (!was_program && is_program(file)))
        names_put(model, event, &names, "chmod", file);
    names_drop(&names);
}

/* Worth a row: in a place, or a program that was written before is gone, maybe while it runs. */
void file_unlink(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);
    struct file *file = named_file(model, event, names.path);

    if (names.place.data || (file && is_program(file)))
        names_put(model, event, &names, "unlink", file);
    names_drop(&names);
}

/* ---- the end ---- */

/* What is kept is bounded by number, not by time: a file may be run long after. */
void file_free_all(struct model *model)
{
    struct file_state *state = model->files;
    struct file_reader *reader;
    struct file *file;

    if (!state)
        return;
    while ((file = TAILQ_FIRST(&state->recent_files)))
        file_free(model, file);
    while ((reader = TAILQ_FIRST(&state->recent_readers)))
        reader_free(state, reader);
    index_free(&state->files);
    index_free(&state->paths);
    index_free(&state->readers);
    free(state);
    model->files = NULL;
}
