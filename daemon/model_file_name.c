/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that get another name, a link, another mode, or that go. */
#include <string.h>

#include "model_file.h"
#include "places.h"

#define PERMISSIONS 07777u
#define SETUID      04000u

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
        return file_find(model, file_event_key(event->file));
    return file_called(model, shared_text(path));
}

static void names_put(struct model *model, const struct event *event,
                      const struct file_names *names, const char *op, const struct file *file)
{
    struct process *process = process_of(model, event->header);
    struct row_file row = file_row(model, process, op, event->header->time);

    row.id = model_id(model, ROW_FILE);
    row.path = shared_text(names->path);
    row.old_path = shared_text(names->old_path);
    row.place = names->place;
    row.mode = file ? file->mode : event->file->mode ? event->file->mode : INTEGER_NULL;
    if (!(event->file->flags & EVENT_FILE_BY_NAME))
        row.size = (int64_t)event->file->size;
    file_row_put(model, &row, file);
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
    bool was_program = !file || file_is_program(file);

    if (file)
        file->mode = (file->mode & ~PERMISSIONS) | mode;
    if (!was_program && file_is_program(file))
        file_matters(model, file);
    if (names.place.data || mode & SETUID || (!was_program && file_is_program(file)))
        names_put(model, event, &names, "chmod", file);
    names_drop(&names);
}

/* Worth a row: in a place, or a program that was written before is gone, maybe while it runs. */
void file_unlink(struct model *model, const struct event *event)
{
    struct file_names names = names_of(model, event);
    struct file *file = named_file(model, event, names.path);

    if (names.place.data || (file && file_is_program(file)))
        names_put(model, event, &names, "unlink", file);
    names_drop(&names);
}
