/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every record goes through, whatever its source: it is checked, kept in the recording where
 * one is wanted, put into time order, and handed to the model.
 */
#ifndef SPYQ_PIPELINE_H
#define SPYQ_PIPELINE_H

#include "model.h"

struct pipeline;

struct pipeline_error {
    char message[512];
};

/* record: a file to keep the records in, or NULL. Returns NULL with *error. */
struct pipeline *pipeline_new(const char *record, struct pipeline_error *error);

/* Closes the recording and frees. The model is the caller's. Returns 0, or -1 with *error when the
 * recording could not be finished. */
int pipeline_free(struct pipeline *pipeline, struct pipeline_error *error);

/* Who recorded, once the first record has said so: its text lives as long as the pipeline. NULL
 * before that. id, first_seen_at and last_seen_at are NULL. */
const struct row_host *pipeline_host(const struct pipeline *pipeline, int64_t *wall_minus_boot);

/* Where ordered events go. To be set before the first frontier. */
void pipeline_set_model(struct pipeline *pipeline, struct model *model);

/* Takes a record in: a source_sink with the pipeline as its context. What is refused, or has no
 * memory, is a loss, which the model is told of at the next frontier. */
void pipeline_push(void *pipeline, const struct event_header *record, size_t size);

/* How many records came after the frontier had passed them: they went to the model at once. */
uint64_t pipeline_late(const struct pipeline *pipeline);

/* A message about something that went wrong since the last call, once; NULL: all is well. */
const char *pipeline_trouble(struct pipeline *pipeline);

#endif
