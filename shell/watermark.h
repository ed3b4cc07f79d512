/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `run --new` has given out already: a watermark for each query and destination, in a file of
 * the user's own, $XDG_STATE_HOME/spyq/new/.
 *
 * A row may be written late, or become an answer late, so that a point in time alone would skip
 * some and repeat others. A run looks at what began up to an hour before the point that the last
 * one reached, and leaves out the rows whose key it has given out: their hashes are kept for as
 * long as a query may return them. The point is no later than the recorder's last sign of life,
 * before which all is in the store. Where the time of a row is no guide, as with files that are
 * told of once they matter, the query has :after, an id that was the highest then.
 */
#ifndef SPYQ_WATERMARK_H
#define SPYQ_WATERMARK_H

#include "result.h"
#include "saved_bind.h"

struct watermark;

/*
 * Takes the lock of this query's watermark, for this session's destination and parameters, and
 * reads it; session->watermark is it from then on. *since gets what the run has to look at.
 * STATUS_ERROR, after a message, where another run holds the lock, or the file is unusable.
 */
enum status watermark_open(struct session *session, const struct saved *saved,
                           struct saved_since *since);

/* Takes the rows out of result that were given out before, and remembers the others. */
enum status watermark_filter(struct session *session, const struct saved *saved,
                             struct result *result);

/*
 * The end of a run, if it has a watermark: with `keep`, now that its output is safe, moves it on;
 * and lets the lock go. STATUS_ERROR after a message.
 */
enum status watermark_settle(struct session *session, bool keep);

#endif
