/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

struct row_edge edge_new(struct model *model, const char *kind, int64_t src, int64_t dst,
                         int64_t at)
{
    struct row_edge edge = {
        .id = model_id(model, ROW_EDGE),
        .host_id = model->host_id,
        .at = at,
        .last_at = at,
        .count = 1,
        .kind = model_constant(kind),
        .src = src,
        .dst = dst,
        .connection_id = INTEGER_NULL,
        .file_id = INTEGER_NULL,
    };

    return edge;
}
