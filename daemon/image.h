/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text forms in which the store has parts of an image: streams, devices, scripts, errors. All
 * return a new hold, or NULL where the value is unknown or does not apply. */
#ifndef SPYQ_IMAGE_TEXT_H
#define SPYQ_IMAGE_TEXT_H

#include "decode.h"
#include "shared.h"

/* What an fd was: `tty:/dev/pts/0`, `pipe:[88123]`, `socket:[77]`, a path; NULL: closed. */
struct shared *image_stream(const struct event *event, const struct event_fd *fd);

/* `major:minor` of a kernel dev_t. */
struct shared *image_device(uint32_t device);

/* The script that an interpreter runs: absolute where the working directory is known. */
struct shared *image_script(const struct event *event, const struct event_image *image);

/* The file that a failed exec was called with; where it was relative to a directory's descriptor,
 * in the kernel's own form `/dev/fd/N/name`. */
struct shared *image_failed_filename(const struct event *event);

/* The name of an errno value, such as `ENOENT`. 0 gives NULL. */
struct shared *image_error(uint32_t error);

/* Effective capabilities as 16 hex digits. */
struct shared *image_capabilities(uint64_t capabilities);

/* The name of a terminal device: `pts0` becomes `pts/0`, as ps(1) shows it. */
struct shared *image_terminal(const char tty[EVENT_TTY_SIZE]);

#endif
