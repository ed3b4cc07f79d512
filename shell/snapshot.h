/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of the store for a case file, and the files that go with one. */
#ifndef SPYQ_SNAPSHOT_H
#define SPYQ_SNAPSHOT_H

#include "session.h"
#include "sha256.h"

/*
 * Copies the store, as it is at one moment, to a new file at path, which must not exist. The
 * recorder goes on writing meanwhile. The copy is one file, without a log beside it, of mode 0600,
 * and on the disk; it appears whole or not at all. STATUS_ERROR or STATUS_STOPPED after a message.
 */
enum status snapshot_copy(struct session *session, const char *path);

/* A file of a case, as it is on the disk. */
struct snapshot_file {
    const char *path;
    int64_t bytes;
    char sha256[SHA256_HEX];
};

/* Reads file->path and fills in the rest. False after a message. */
bool snapshot_digest(struct snapshot_file *file);

/*
 * Writes the manifest of a copy as JSON: where it is from, what it covers, and what is missing.
 * `copy` reads the copy; `store` is the store it was made of.
 */
enum status snapshot_manifest(struct session *copy, const struct session *store,
                              const struct snapshot_file *file, const char *path);

#endif
