/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "redact_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 3, 4))) static int fail(struct redact_key_error *error,
                                                      const char *path, const char *format, ...)
{
    int used = snprintf(error->message, sizeof(error->message), "%.250s: ", path);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->message + used, sizeof(error->message) - (size_t)used, format, arguments);
    va_end(arguments);
    return -1;
}

static int write_new(int fd, const char *path, unsigned char *key, struct redact_key_error *error)
{
    int code = 0;

    if (getrandom(key, REDACT_KEY_SIZE, 0) != REDACT_KEY_SIZE ||
        write(fd, key, REDACT_KEY_SIZE) != REDACT_KEY_SIZE || fsync(fd) < 0) {
        code = fail(error, path, "can not write the key of redacted texts: %s", strerror(errno));
        unlink(path);
    }
    close(fd);
    return code;
}

static int check(int fd, const char *path, struct redact_key_error *error)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return fail(error, path, "can not read the key of redacted texts: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(error, path, "the key of redacted texts must be a regular file");
    if (status.st_mode & 077)
        return fail(error, path,
                    "the key of redacted texts has mode %04o; only its owner may have access "
                    "(chmod 600)",
                    status.st_mode & 07777u);
    if (status.st_size != REDACT_KEY_SIZE)
        return fail(error, path,
                    "the key of redacted texts has %lld bytes, not %d; without the file a new key "
                    "is made, and equal secrets no longer have the texts that they had",
                    (long long)status.st_size, REDACT_KEY_SIZE);
    return 0;
}

static int read_old(int fd, const char *path, unsigned char *key, struct redact_key_error *error)
{
    int code = check(fd, path, error);

    if (code == 0 && read(fd, key, REDACT_KEY_SIZE) != REDACT_KEY_SIZE)
        code = fail(error, path, "can not read the key of redacted texts: %s", strerror(errno));
    close(fd);
    return code;
}

int redact_key_load(const char *path, unsigned char key[REDACT_KEY_SIZE],
                    struct redact_key_error *error)
{
    static const int safely = O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | safely, 0600);

    if (fd >= 0)
        return write_new(fd, path, key, error);
    if (errno != EEXIST)
        return fail(error, path, "can not create the key of redacted texts: %s", strerror(errno));
    /* Not to wait for the other end where somebody has put a fifo there. */
    fd = open(path, O_RDONLY | O_NONBLOCK | safely);
    if (fd < 0)
        return fail(error, path, "can not read the key of redacted texts: %s",
                    errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    return read_old(fd, path, key, error);
}
