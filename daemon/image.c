/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Linux's allocated devices (Documentation/admin-guide/devices.txt). */
#define MAJOR_MEMORY    1
#define MAJOR_TTY       4
#define MAJOR_AUXILIARY 5
#define MAJOR_PTS_FIRST 136
#define MAJOR_PTS_LAST  143
#define FIRST_SERIAL    64 /* minors of MAJOR_TTY from here on are serial lines */

#define DEVICE_MAJOR(device) ((device) >> 20)
#define DEVICE_MINOR(device) ((device)&0xfffffu)

static const char *const memory_devices[] = {
    [1] = "/dev/mem",  [3] = "/dev/null",   [4] = "/dev/port",    [5] = "/dev/zero",
    [7] = "/dev/full", [8] = "/dev/random", [9] = "/dev/urandom", [11] = "/dev/kmsg",
};

static const char *const auxiliary_devices[] = {"/dev/tty", "/dev/console", "/dev/ptmx"};

/* Writes the name of a device that is known by its number. Returns false for any other. */
static bool device_name(uint32_t rdev, char *name, size_t size)
{
    uint32_t major = DEVICE_MAJOR(rdev), minor = DEVICE_MINOR(rdev);

    if (major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST)
        snprintf(name, size, "tty:/dev/pts/%u", minor);
    else if (major == MAJOR_TTY && minor < FIRST_SERIAL)
        snprintf(name, size, "tty:/dev/tty%u", minor);
    else if (major == MAJOR_TTY)
        snprintf(name, size, "tty:/dev/ttyS%u", minor - FIRST_SERIAL);
    else if (major == MAJOR_AUXILIARY && minor < 3)
        snprintf(name, size, "tty:%s", auxiliary_devices[minor]);
    else
        return false;
    return true;
}

/* The name of a device that nearly everybody has as a stream; NULL: it is another. */
static const char *memory_device(uint32_t rdev)
{
    uint32_t minor = DEVICE_MINOR(rdev);

    if (DEVICE_MAJOR(rdev) != MAJOR_MEMORY || minor >= sizeof(memory_devices) / sizeof(char *))
        return NULL;
    return memory_devices[minor];
}

struct shared *image_stream(const struct event *event, const struct event_fd *fd)
{
    char name[64];

    if (!fd->mode)
        return NULL;
    if (S_ISFIFO(fd->mode))
        snprintf(name, sizeof(name), "pipe:[%llu]", fd->inode);
    else if (S_ISSOCK(fd->mode))
        snprintf(name, sizeof(name), "socket:[%llu]", fd->inode);
    else if (S_ISCHR(fd->mode) && memory_device(fd->rdev))
        return shared_string(memory_device(fd->rdev));
    else if (!S_ISCHR(fd->mode) || !device_name(fd->rdev, name, sizeof(name)))
        return shared_new(event_text(event, fd->path));
    return shared_string(name);
}

/* Writes a number in decimal that ends before `end`; where it begins. */
static char *put_number(char *end, uint32_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

struct shared *image_device(uint32_t device)
{
    char text[32], *end = text + sizeof(text), *begin;

    begin = put_number(end, DEVICE_MINOR(device));
    *--begin = ':';
    begin = put_number(begin, DEVICE_MAJOR(device));
    return shared_new((struct text){begin, (size_t)(end - begin)});
}

/* Two stretches of text with a slash between them. */
static struct shared *joined_path(struct text directory, struct text name)
{
    char path[2 * EVENT_PATH_MAX + 2];
    size_t length = directory.length;

    if (length + name.length + 1 > sizeof(path))
        return NULL;
    memcpy(path, directory.data, length);
    if (!length || path[length - 1] != '/')
        path[length++] = '/';
    memcpy(path + length, name.data, name.length);
    return shared_new((struct text){path, length + name.length});
}

struct shared *image_script(const struct event *event, const struct event_image *image)
{
    struct text name = event_text(event, image->filename);
    struct text directory = event_text(event, image->cwd);

    if (!(image->flags & EVENT_IMAGE_SCRIPT) || !name.data)
        return NULL;
    if (name.data[0] == '/' || !directory.data)
        return shared_new(name);
    while (name.length > 2 && name.data[0] == '.' && name.data[1] == '/')
        name = (struct text){name.data + 2, name.length - 2};
    return joined_path(directory, name);
}

struct shared *image_failed_filename(const struct event *event)
{
    const struct event_exec_failed *failed = event->exec_failed;
    struct text name = event_text(event, failed->filename);
    char directory[32];

    if (failed->dirfd == AT_FDCWD || (name.data && name.data[0] == '/'))
        return shared_new(name);
    snprintf(directory, sizeof(directory), "/dev/fd/%d", failed->dirfd);
    return name.data ? joined_path((struct text){directory, strlen(directory)}, name)
                     : shared_string(directory);
}

struct shared *image_error(uint32_t error)
{
    const char *name = strerrorname_np((int)error);
    char number[16];

    if (!error)
        return NULL;
    if (name)
        return shared_string(name);
    snprintf(number, sizeof(number), "%u", error);
    return shared_string(number);
}

struct shared *image_capabilities(uint64_t capabilities)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];

    for (size_t i = sizeof(text); i > 0; capabilities >>= 4)
        text[--i] = digits[capabilities & 15];
    return shared_new((struct text){text, sizeof(text)});
}

struct shared *image_terminal(const char tty[EVENT_TTY_SIZE])
{
    static const char pts[] = "pts";
    struct text name = event_field(tty, EVENT_TTY_SIZE);
    char text[EVENT_TTY_SIZE + 2];

    if (name.length <= 3 || memcmp(name.data, pts, 3) != 0)
        return shared_new(name);
    snprintf(text, sizeof(text), "pts/%.*s", (int)name.length - 3, name.data + 3);
    return shared_string(text);
}
