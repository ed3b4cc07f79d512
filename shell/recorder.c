/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"
#include "query.h"
#include "shown.h"

#define STALE_NS (10 * 1000000000LL)

static int64_t integer_or_null(const struct cell *cell)
{
    return cell->type == CELL_INTEGER ? cell->integer : INTEGER_NULL;
}

/* The boot id of the kernel we run on, as text without its newline; "" where it cannot be read. */
static void read_boot_id(char *to, size_t size)
{
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, to, size - 1) : 0;
    if (file >= 0)
        close(file);
    to[length > 0 ? length : 0] = '\0';
    to[strcspn(to, "\n")] = '\0';
}

static bool is_this_boot(const struct cell *boot_id)
{
    char ours[64];
    read_boot_id(ours, sizeof ours);
    return ours[0] && boot_id->type == CELL_TEXT && boot_id->bytes.length == strlen(ours) &&
           memcmp(boot_id->bytes.data, ours, strlen(ours)) == 0;
}

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool process_gone(int64_t pid)
{
    return pid > 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Why it is not writing, or NULL if it is. */
static const char *judge(const struct recorder *recorder, bool this_boot)
{
    if (recorder->ended_at != INTEGER_NULL)
        return "it was stopped";
    if (recorder->last_seen_at == INTEGER_NULL || wall_ns() - recorder->last_seen_at > STALE_NS)
        return "no sign of life for 10 s";
    if (this_boot && process_gone(recorder->pid))
        return "its process is gone";
    return NULL;
}

enum status recorder_read(struct session *session, struct recorder *recorder)
{
    struct result result;
    enum status status = query_fetch(
        session, &result,
        "SELECT r.id, r.pid, r.started_at, r.last_seen_at, r.ended_at, h.boot_id "
        "FROM recorders AS r LEFT JOIN hosts AS h ON h.id = r.host_id ORDER BY r.id DESC LIMIT 1",
        "");
    *recorder = (struct recorder){.id = INTEGER_NULL, .why = "it never ran on this store"};
    if (status == STATUS_OK && result.rows > 0) {
        const struct cell *row = result_row(&result, 0);
        *recorder = (struct recorder){
            .id = integer_or_null(&row[0]),
            .pid = integer_or_null(&row[1]),
            .started_at = integer_or_null(&row[2]),
            .last_seen_at = integer_or_null(&row[3]),
            .ended_at = integer_or_null(&row[4]),
        };
        recorder->why = judge(recorder, is_this_boot(&row[5]));
        recorder->writing = !recorder->why;
    }
    result_free(&result);
    return status;
}

void recorder_warn_if_stale(struct session *session)
{
    struct recorder recorder;
    if (recorder_read(session, &recorder) != STATUS_OK || recorder.writing)
        return;
    if (recorder.id == INTEGER_NULL || recorder.last_seen_at == INTEGER_NULL) {
        complain("not recording now: %s", recorder.why);
        return;
    }
    struct shown seen;
    struct cell at = cell_integer(recorder.last_seen_at);
    show_cell(&seen, &at, true, PRECISION_SECONDS);
    complain("as of %s; not recording now: %s", seen.small, recorder.why);
}
