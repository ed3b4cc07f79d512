/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "users.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* Uids already told of: open addressing, a power of two, never more than half full. */
struct users {
    uint32_t *uids;
    bool *used;
    size_t size;
    size_t count;
};

#define USERS_FIRST_SIZE 64

struct users *users_new(void)
{
    struct users *users = calloc(1, sizeof(*users));

    if (!users)
        return NULL;
    users->size = USERS_FIRST_SIZE;
    users->uids = calloc(users->size, sizeof(*users->uids));
    users->used = calloc(users->size, sizeof(*users->used));
    if (users->uids && users->used)
        return users;
    users_free(users);
    return NULL;
}

void users_free(struct users *users)
{
    if (!users)
        return;
    free(users->uids);
    free(users->used);
    free(users);
}

static size_t users_slot(const struct users *users, uint32_t uid)
{
    size_t slot = (uid * 2654435761u) & (users->size - 1);

    while (users->used[slot] && users->uids[slot] != uid)
        slot = (slot + 1) & (users->size - 1);
    return slot;
}

static bool users_grow(struct users *users)
{
    struct users larger = {.size = users->size * 2, .count = users->count};

    larger.uids = calloc(larger.size, sizeof(*larger.uids));
    larger.used = calloc(larger.size, sizeof(*larger.used));
    if (!larger.uids || !larger.used) {
        free(larger.uids);
        free(larger.used);
        return false;
    }
    for (size_t i = 0; i < users->size; i++) {
        if (!users->used[i])
            continue;
        size_t slot = users_slot(&larger, users->uids[i]);
        larger.used[slot] = true;
        larger.uids[slot] = users->uids[i];
    }
    free(users->uids);
    free(users->used);
    *users = larger;
    return true;
}

/* Remembers a uid. Returns whether it was new. Out of memory, it is told of again next time. */
static bool users_remember(struct users *users, uint32_t uid)
{
    size_t slot = users_slot(users, uid);

    if (users->used[slot])
        return false;
    if (users->count * 2 >= users->size) {
        if (!users_grow(users))
            return true;
        slot = users_slot(users, uid);
    }
    users->used[slot] = true;
    users->uids[slot] = uid;
    users->count++;
    return true;
}

static void user_name(uint32_t uid, char name[EVENT_NAME_SIZE])
{
    FILE *passwd = fopen("/etc/passwd", "re");
    char buffer[4096];
    struct passwd entry, *found;

    while (passwd && fgetpwent_r(passwd, &entry, buffer, sizeof(buffer), &found) == 0) {
        if (found->pw_uid != uid)
            continue;
        memcpy(name, found->pw_name, strnlen(found->pw_name, EVENT_NAME_SIZE));
        break;
    }
    if (passwd)
        fclose(passwd);
}

static void introduce(struct users *users, uint32_t uid, uint64_t time, source_sink *sink,
                      void *context)
{
    struct record record;
    struct event_user *user;

    if (!users_remember(users, uid))
        return;
    user = record_begin(&record, EVENT_USER, sizeof(*user), time);
    user->uid = uid;
    user_name(uid, user->name);
    record_end(&record);
    sink(context, &user->header, record.size);
}

void users_introduce(struct users *users, const struct event_header *record, uint64_t since,
                     source_sink *sink, void *context)
{
    uint64_t time = record->time < since ? record->time : since;
    const struct event_task *task = NULL;

    if (record->kind == EVENT_FORK || record->kind == EVENT_CGROUP_ATTACH)
        task = &((const struct event_fork *)record)->task;
    else if (record->kind == EVENT_EXEC || record->kind == EVENT_PROCESS)
        task = &((const struct event_exec *)record)->task;
    else if (record->kind == EVENT_PRIVILEGE)
        task = &((const struct event_privilege *)record)->task;
    if (!task)
        return;
    introduce(users, task->uid, time, sink, context);
    if (task->login_uid != EVENT_ID_UNSET)
        introduce(users, task->login_uid, time, sink, context);
}
