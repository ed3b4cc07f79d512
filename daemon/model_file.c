/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that were written, and by whom. Nearly all of them never matter: they are kept in mind for
 * a while, and only when one is executed, run as a script or loaded, is in a place where others
 * will run or trust it, or is a program, do rows say who wrote it.
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "model_file.h"
#include "places.h"

#define FILES_MAX   32768 /* kept in mind; beyond that the one that was not used for longest goes */
#define WRITERS_MAX 4     /* of one file: the last to have come */

#define EXECUTABLE 0111u

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

static struct key path_key(struct text path)
{
    return (struct key){hash_bytes(HASH_START, path.data, path.length), path.length};
}

/* ---- keeping files in mind ---- */

struct key file_key(uint64_t inode, uint32_t device, uint32_t generation)
{
    return (struct key){inode, (uint64_t)device << 32 | generation};
}

struct key file_event_key(const struct event_file *event)
{
    return file_key(event->inode, event->device, event->generation);
}

struct file *file_find(const struct model *model, struct key key)
{
    return model->files ? index_get(&model->files->files, key) : NULL;
}

struct file *file_called(const struct model *model, struct text path)
{
    struct file *file;

    if (!model->files || !path.data)
        return NULL;
    file = index_get(&model->files->paths, path_key(path));
    return file && text_same(shared_text(file->path), path) ? file : NULL;
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

    if (!file || index_put(&state->files, file_event_key(event), file) < 0) {
        free(file);
        model->unkept++;
        return NULL;
    }
    file->key = file_event_key(event);
    file->device = event->device;
    TAILQ_INSERT_TAIL(&state->recent_files, file, recent);
    if (state->files.count > FILES_MAX)
        file_free(model, TAILQ_FIRST(&state->recent_files));
    return file;
}

/* ---- rows ---- */

struct row_file file_row(struct model *model, const struct process *process, const char *op,
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

void file_row_put(struct model *model, struct row_file *row, const struct file *file)
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
    struct row_file row = file_row(model, NULL, "write", writer->first);

    if (!writer->row_id)
        writer->row_id = model_id(model, ROW_FILE);
    row.id = writer->row_id;
    row.process_id = writer->process_id;
    row.path = shared_text(file->path);
    if (!text_same(row.path, shared_text(file->written)))
        row.old_path = shared_text(file->written);
    row.mode = file->mode;
    row.size = (int64_t)file->size;
    row.last_at = model_wall(model, writer->last);
    row.connection_id = writer->connection_id;
    row.place = place_of(model->places, row.path);
    file_row_put(model, &row, file);
}

void file_matters(struct model *model, struct file *file)
{
    for (unsigned i = 0; i < file->writer_count; i++)
        if (!file->writers[i].row_id)
            writer_put(model, file, &file->writers[i]);
}

bool file_is_program(const struct file *file)
{
    return file->mode & EXECUTABLE && !file->memfd;
}

/* ---- as it is now ---- */

void file_set_path(struct model *model, struct file *file, struct shared *path)
{
    struct index *paths = &model->files->paths;
    struct text old = shared_text(file->path);

    if (!path || text_same(old, shared_text(path))) {
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

void file_refresh(struct model *model, struct file *file, const struct event *event)
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
    struct file *file = file_find(model, file_event_key(write));
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
    if (writer->row_id || file_is_program(file) ||
        place_of(model->places, shared_text(file->path)).data)
        writer_put(model, file, writer);
}

/* ---- the end ---- */

/* What is kept is bounded by number, not by time: a file may be run long after. */
void file_free_all(struct model *model)
{
    struct file_state *state = model->files;
    struct file *file;

    if (!state)
        return;
    while ((file = TAILQ_FIRST(&state->recent_files)))
        file_free(model, file);
    file_forget_readers(state);
    index_free(&state->files);
    index_free(&state->paths);
    index_free(&state->readers);
    free(state);
    model->files = NULL;
}
