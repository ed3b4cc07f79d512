/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "argv.h"
#include "image.h"
#include "model_private.h"

/* Text columns of an exec, held until the row has been copied. */
struct exec_texts {
    struct shared *argv;
    struct shared *filename;
    struct shared *script;
    struct shared *device;
    struct shared *error;
    struct shared *environment;
    struct shared *streams[3];
};

static void texts_drop(struct exec_texts *texts)
{
    shared_drop(texts->argv);
    shared_drop(texts->filename);
    shared_drop(texts->script);
    shared_drop(texts->device);
    shared_drop(texts->error);
    shared_drop(texts->environment);
    for (int i = 0; i < 3; i++)
        shared_drop(texts->streams[i]);
}

static struct row_exec row_begin(struct model *model, const struct process *process,
                                 const struct event_header *header, const struct event_task *task,
                                 int64_t id)
{
    struct row_exec row;

    row_clear(ROW_EXEC, &row);
    row.id = id;
    row.process_id = process->row.id;
    row.at = model_wall(model, header->time);
    row.uid = task->uid;
    row.euid = task->euid;
    row.gid = task->gid;
    row.egid = task->egid;
    return row;
}

static int64_t is_cut(uint32_t flags)
{
    return (flags & (EVENT_IMAGE_ARGV_CUT | EVENT_IMAGE_ARGV_FAULT | EVENT_IMAGE_PATH_CUT |
                     EVENT_IMAGE_ENVIRONMENT_CUT)) != 0;
}

static void row_file(struct row_exec *row, const struct event_image *image)
{
    row->argc = image->argc;
    row->argv_length = (int64_t)image->argv_length;
    row->inode = (int64_t)image->inode;
    row->links = image->links;
    row->memfd = (image->flags & EVENT_IMAGE_MEMFD) != 0;
    row->deleted = (image->flags & EVENT_IMAGE_DELETED) != 0;
    row->setuid = (image->flags & EVENT_IMAGE_SETUID) != 0;
    row->truncated = is_cut(image->flags);
}

void exec_row(struct model *model, const struct process *process, const struct event *event,
              int64_t id)
{
    const struct event_image *image = &event->exec->image;
    struct row_exec row = row_begin(model, process, event->header, &event->exec->task, id);
    struct exec_texts texts = {
        .argv = argv_json(event_text(event, image->argv)),
        .script = image_script(event, image),
        .device = image_device(image->device),
        .environment = argv_environment(event_text(event, image->environment), model->environment),
    };

    for (int i = 0; i < 3; i++)
        texts.streams[i] = image_stream(event, &image->stdio[i]);
    row_file(&row, image);
    row.filename = event_text(event, image->filename);
    row.exe = event_text(event, image->exe);
    row.cwd = event_text(event, image->cwd);
    row.interpreter = event_text(event, image->interpreter);
    row.argv = shared_text(texts.argv);
    row.script = shared_text(texts.script);
    row.device = shared_text(texts.device);
    row.environment = shared_text(texts.environment);
    row.stdin = shared_text(texts.streams[0]);
    row.stdout = shared_text(texts.streams[1]);
    row.stderr = shared_text(texts.streams[2]);
    model_put(model, ROW_EXEC, &row);
    texts_drop(&texts);
}

void exec_failed_row(struct model *model, const struct process *process, const struct event *event)
{
    const struct event_exec_failed *failed = event->exec_failed;
    struct row_exec row =
        row_begin(model, process, event->header, &failed->task, model_id(model, ROW_EXEC));
    struct exec_texts texts = {
        .argv = argv_json(event_text(event, failed->argv)),
        .filename = image_failed_filename(event),
        .error = image_error(failed->error),
    };

    row.argc = failed->flags & EVENT_IMAGE_ARGV_CUT ? INTEGER_NULL : failed->argc;
    row.truncated = is_cut(failed->flags);
    row.cwd = event_text(event, failed->cwd);
    row.filename = shared_text(texts.filename);
    row.argv = shared_text(texts.argv);
    row.error = shared_text(texts.error);
    model_put(model, ROW_EXEC, &row);
    texts_drop(&texts);
}
