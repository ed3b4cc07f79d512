/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of both buffers. Holds the longest record at least once. */
#define BUFFER_SIZE (256 * 1024)
_Static_assert(BUFFER_SIZE >= 2 * EVENT_RECORD_MAX, "a buffer holds any record");

__attribute__((format(printf, 2, 3))) static int fail(struct recording_error *error,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- writing ---- */

struct recording_writer {
    int fd;
    bool failed;
    char *path;
    size_t used;      /* bytes in the buffer, whole records only */
    uint64_t pending; /* records in the buffer */
    uint64_t dropped;
    off_t written; /* length of the file, whole records only */
    char buffer[BUFFER_SIZE];
};

static void free_writer(struct recording_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->path);
    free(writer);
}

/* A device such as /dev/null is taken as it is; anything else must be a regular file, which becomes
 * its owner's alone, whatever mode an earlier one had, and empty. */
static int make_private(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -1;
    if (S_ISCHR(status.st_mode))
        return 0;
    errno = EINVAL;
    return S_ISREG(status.st_mode) && fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 ? 0 : -1;
}

/* A link is not followed: this runs as root, in folders of others'. */
static int open_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    int why;

    if (fd < 0 || make_private(fd) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

struct recording_writer *recording_create(const char *path, struct recording_error *error)
{
    struct recording_writer *writer = calloc(1, sizeof(*writer));
    if (!writer || !(writer->path = strdup(path))) {
        fail(error, "out of memory");
        free(writer);
        return NULL;
    }
    writer->fd = open_private(path);
    if (writer->fd < 0) {
        fail(error, "%.200s: can not create the recording: %s", path, strerror(errno));
        free_writer(writer);
        return NULL;
    }
    const struct recording_header header = {RECORDING_MAGIC, RECORDING_BYTE_ORDER,
                                            EVENT_ABI_VERSION};
    memcpy(writer->buffer, &header, sizeof(header));
    writer->used = sizeof(header);
    return writer;
}

static ssize_t write_all(int fd, const char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Ends the recording at its last whole record and gives up on what follows. */
static int give_up(struct recording_writer *writer, struct recording_error *error)
{
    int cause = errno;
    writer->failed = true;
    writer->dropped += writer->pending;
    writer->pending = 0;
    writer->used = 0;
    const char *end = "";
    if (ftruncate(writer->fd, writer->written))
        end = "; its last record may be cut off";
    return fail(error, "%.200s: the recording ends at byte %jd: %s%s", writer->path,
                (intmax_t)writer->written, strerror(cause), end);
}

int recording_flush(struct recording_writer *writer, struct recording_error *error)
{
    if (writer->failed || !writer->used)
        return 0;
    if (write_all(writer->fd, writer->buffer, writer->used) < 0)
        return give_up(writer, error);
    writer->written += (off_t)writer->used;
    writer->used = 0;
    writer->pending = 0;
    return 0;
}

int recording_write(struct recording_writer *writer, const struct event_header *record,
                    struct recording_error *error)
{
    int result = 0;
    if (writer->used + record->size > sizeof(writer->buffer))
        result = recording_flush(writer, error);
    if (writer->failed) {
        writer->dropped++;
        return result;
    }
    memcpy(writer->buffer + writer->used, record, record->size);
    writer->used += record->size;
    writer->pending++;
    return result;
}

uint64_t recording_dropped(const struct recording_writer *writer)
{
    return writer->dropped;
}

/* A recording into a pipe or a terminal can not be synced: that is no failure. */
static int sync_file(struct recording_writer *writer, struct recording_error *error)
{
    if (writer->failed || fsync(writer->fd) == 0 || errno == EINVAL || errno == EROFS)
        return 0;
    return fail(error, "%.200s: can not sync the recording: %s", writer->path, strerror(errno));
}

int recording_finish(struct recording_writer *writer, struct recording_error *error)
{
    int result = recording_flush(writer, error);
    if (result == 0)
        result = sync_file(writer, error);
    free_writer(writer);
    return result;
}

/* ---- reading ---- */

struct recording_reader {
    int fd;
    char *path;
    bool at_end;     /* of the file: the buffer holds all that is left */
    uint64_t offset; /* in the file, of the byte at `start` */
    size_t start;    /* of the unread bytes in the buffer; stays at a record that is bad */
    size_t end;
    /* Records are looked at where they lie, so both start and buffer stay aligned to 8. */
    _Alignas(8) char buffer[BUFFER_SIZE];
};

void recording_close(struct recording_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->path);
    free(reader);
}

/* Reads until `need` unread bytes are there, or the file ends. Returns 0, or -1 with errno. */
static int fill(struct recording_reader *reader, size_t need)
{
    size_t unread = reader->end - reader->start;
    if (unread >= need || reader->at_end)
        return 0;
    memmove(reader->buffer, reader->buffer + reader->start, unread);
    reader->start = 0;
    reader->end = unread;
    while (reader->end < need && !reader->at_end) {
        ssize_t n =
            read(reader->fd, reader->buffer + reader->end, sizeof(reader->buffer) - reader->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        reader->at_end = n == 0;
        reader->end += (size_t)n;
    }
    return 0;
}

static const char *check_header(const struct recording_header *header, size_t size)
{
    if (size < sizeof(*header) || memcmp(header->magic, RECORDING_MAGIC, sizeof(header->magic)))
        return "not a recording of spyqd";
    if (header->byte_order != RECORDING_BYTE_ORDER)
        return "recorded on a machine of another byte order";
    if (header->abi != EVENT_ABI_VERSION)
        return "recorded by another version of spyqd, whose records are laid out otherwise";
    return NULL;
}

static int read_header(struct recording_reader *reader, struct recording_error *error)
{
    struct recording_header header = {0};
    if (fill(reader, sizeof(header)))
        return fail(error, "%.200s: can not read the recording: %s", reader->path, strerror(errno));
    memcpy(&header, reader->buffer, sizeof(header));
    const char *wrong = check_header(&header, reader->end);
    if (wrong)
        return fail(error, "%.200s: %s", reader->path, wrong);
    reader->start = sizeof(header);
    reader->offset = sizeof(header);
    return 0;
}

struct recording_reader *recording_open(const char *path, struct recording_error *error)
{
    struct recording_reader *reader = calloc(1, sizeof(*reader));
    if (!reader || !(reader->path = strdup(path))) {
        fail(error, "out of memory");
        free(reader);
        return NULL;
    }
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) {
        fail(error, "%.200s: can not open the recording: %s", path, strerror(errno));
        recording_close(reader);
        return NULL;
    }
    if (read_header(reader, error)) {
        recording_close(reader);
        return NULL;
    }
    return reader;
}

static int fail_reading(const struct recording_reader *reader, struct recording_error *error,
                        const char *wrong)
{
    return fail(error, "%.200s: byte %" PRIu64 ": %s", reader->path, reader->offset, wrong);
}

/* Finds the length of the next record. Returns NULL, or why no whole record is there. */
static const char *measure(const struct recording_reader *reader, uint32_t *size)
{
    static const char cut_off[] = "the recording is cut off inside this record";
    size_t unread = reader->end - reader->start;
    if (unread < sizeof(struct event_header))
        return cut_off;
    memcpy(size, reader->buffer + reader->start, sizeof(*size));
    if (*size < sizeof(struct event_header) || *size > EVENT_RECORD_MAX || *size % 8)
        return "no record begins here: its size makes no sense";
    return unread < *size ? cut_off : NULL;
}

/* The checked record at the start of the buffer. Returns NULL, or what is wrong with it. */
static const char *take(struct recording_reader *reader, struct event *event)
{
    uint32_t size = 0;
    const char *wrong = measure(reader, &size);
    if (!wrong)
        wrong = decode(reader->buffer + reader->start, size, event);
    if (wrong)
        return wrong;
    bool first = reader->offset == sizeof(struct recording_header);
    if (first && event->header->kind != EVENT_HOST)
        return "the first record does not name the host";
    reader->start += size;
    reader->offset += size;
    return NULL;
}

int recording_next(struct recording_reader *reader, struct event *event,
                   struct recording_error *error)
{
    if (fill(reader, EVENT_RECORD_MAX))
        return fail_reading(reader, error, strerror(errno));
    if (reader->end == reader->start)
        return 0;
    const char *wrong = take(reader, event);
    return wrong ? fail_reading(reader, error, wrong) : 1;
}
