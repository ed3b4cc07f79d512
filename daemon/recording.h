/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recording: the file that --record writes and --replay reads.
 *
 *   struct recording_header   16 bytes
 *   record, record, ...       as bpf/event.h lays them out, one after the other, no padding
 *                             between them (every record is a multiple of 8 bytes long)
 *
 * Everything is in the byte order of the host that recorded. The first record is the EVENT_HOST;
 * after it records stand in the order in which they arrived, which is not the order of time.
 * EVENT_FRONTIER records say how far time order reached. The file ends after its last record:
 * there is no trailer, so a recording that was cut off is good up to the cut.
 */
#ifndef SPYQ_RECORDING_H
#define SPYQ_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#define RECORDING_MAGIC      "SPYQREC1" /* the digit changes with the layout of this file */
#define RECORDING_BYTE_ORDER 0x01020304u

struct recording_header {
    char magic[8];
    uint32_t byte_order; /* RECORDING_BYTE_ORDER */
    uint32_t abi;        /* EVENT_ABI_VERSION */
};

struct recording_error {
    char message[512]; /* one line: the file, the offset where one is known, and what is wrong */
};

/* ---- writing ---- */

struct recording_writer;

/*
 * Creates the file, readable by its owner only (records hold argv and environment), or empties the
 * one that is there. Returns NULL with *error on failure.
 */
struct recording_writer *recording_create(const char *path, struct recording_error *error);

/*
 * Appends a record, which must have passed decode(). Buffered. Returns 0; or -1 with *error, once:
 * at the first write that fails. The recording ends there, after its last whole record; further
 * records are counted as dropped and the calls for them return 0.
 */
int recording_write(struct recording_writer *writer, const struct event_header *record,
                    struct recording_error *error);

/* Hands what is buffered to the kernel. Returns as recording_write does. */
int recording_flush(struct recording_writer *writer, struct recording_error *error);

/* Records that are not in the file because writing failed. */
uint64_t recording_dropped(const struct recording_writer *writer);

/* Flushes, syncs to the disk, closes and frees. Returns as recording_write does. */
int recording_finish(struct recording_writer *writer, struct recording_error *error);

/* ---- reading ---- */

struct recording_reader;

/* Opens a file and checks its header. Returns NULL with *error on failure. */
struct recording_reader *recording_open(const char *path, struct recording_error *error);

/*
 * The next record, checked by decode(); valid until the next call. Returns 1; 0 at the end of the
 * file; or -1 with *error when the file is cut off, damaged or unreadable (and again on every
 * further call: nothing behind a bad record can be trusted).
 */
int recording_next(struct recording_reader *reader, struct event *event,
                   struct recording_error *error);

void recording_close(struct recording_reader *reader);

#endif
