/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Actors as JSON, for the statements that ask about them. */
#include <inttypes.h>
#include <stdlib.h>

#include "story.h"

char *story_list(const struct story *story, story_item *item, const void *context)
{
    char *list = NULL;
    const char *comma = "";
    size_t length;
    FILE *out = open_memstream(&list, &length);
    if (!out)
        return NULL;
    fputc('[', out);
    for (size_t i = 0; i < story->actor_count; i++)
        if (item(story, i, context, comma, out))
            comma = ",";
    fputc(']', out);
    if (fclose(out) == 0)
        return list;
    free(list);
    return NULL;
}

bool story_item_id(const struct story *story, size_t actor, const void *unused, const char *comma,
                   FILE *out)
{
    (void)unused;
    fprintf(out, "%s%" PRId64, comma, story->actors[actor].id);
    return true;
}
