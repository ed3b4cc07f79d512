/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the model_file*.c files share: model_file.c keeps in mind which files were written and by
 * whom, model_file_use.c tells who came to run them, model_file_name.c follows their names.
 */
#ifndef SPYQ_MODEL_FILE_H
#define SPYQ_MODEL_FILE_H

#include "model_private.h"

#define READS_MAX 8 /* of one process: the last */

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

/* ---- model_file.c ---- */

struct key file_key(uint64_t inode, uint32_t device, uint32_t generation);
struct key file_event_key(const struct event_file *event);

/* NULL: it is not in mind. By its number; by what it was last called. */
struct file *file_find(const struct model *model, struct key key);
struct file *file_called(const struct model *model, struct text path);

/* A file that is known is as the event says. */
void file_refresh(struct model *model, struct file *file, const struct event *event);

/* What it is called from now on; takes over the hold of `path`. Rows of what was written follow. */
void file_set_path(struct model *model, struct file *file, struct shared *path);

/* Whether it is a program by its mode. Every memfd is: that says nothing. */
bool file_is_program(const struct file *file);

/* Rows say who wrote it. */
void file_matters(struct model *model, struct file *file);

/* The begin of a row about what a process (NULL: it is not known) did at that time, boot clock, ns;
 * into the batch with what is known of the file, which may be NULL. */
struct row_file file_row(struct model *model, const struct process *process, const char *op,
                         uint64_t time);
void file_row_put(struct model *model, struct row_file *row, const struct file *file);

/* ---- model_file_use.c ---- */

/* What processes have read is forgotten. */
void file_forget_readers(struct file_state *state);

#endif
