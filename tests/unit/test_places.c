/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/places.h"

static char cron[] = "cron:/etc/cron.*/*", keys[] = "ssh:/home/*/.ssh/authorized_keys*",
            crontab[] = "cron:/etc/crontab";
static char *const places[] = {cron, keys, crontab, NULL};

static void assert_place(const char *path, const char *name)
{
    struct text place = place_of(places, (struct text){path, strlen(path)});
    if (!name)
        assert_null(place.data);
    else
        assert_int_equal(place.length, strlen(name));
    if (name)
        assert_memory_equal(place.data, name, place.length);
}

static void a_path_is_in_the_place_whose_pattern_it_matches(void **state)
{
    (void)state;
    assert_place("/etc/cron.d/job", "cron");
    assert_place("/etc/crontab", "cron");
    assert_place("/home/ann/.ssh/authorized_keys2", "ssh");
}

static void what_is_like_a_place_is_none(void **state)
{
    (void)state;
    assert_place("/etc/cron.d", NULL);
    assert_place("/etc/cron.d/deeper/job", NULL);
    assert_place("/etc/crontab2", NULL);
    assert_place("/etc/cront", NULL);
    assert_place("/srv/etc/crontab", NULL);
    assert_place("/home/a/b/.ssh/authorized_keys", NULL);
    assert_place("", NULL);
}

static void no_path_and_no_places_are_no_place(void **state)
{
    char longest[8192];
    (void)state;
    memset(longest, '/', sizeof(longest));
    assert_null(place_of(places, TEXT_NULL).data);
    assert_null(place_of(NULL, (struct text){"/etc/crontab", 12}).data);
    assert_null(place_of(places, (struct text){longest, sizeof(longest)}).data);
}

static void a_place_has_a_name_and_an_absolute_pattern(void **state)
{
    (void)state;
    assert_null(place_check("cron:/etc/crontab", 17));
    assert_non_null(place_check("/etc/crontab", 12));
    assert_non_null(place_check(":/etc/crontab", 13));
    assert_non_null(place_check("cron:", 5));
    assert_non_null(place_check("cron:etc", 8));
}

static void the_default_places_are_places(void **state)
{
    size_t count = 0;
    (void)state;
    for (const char *at = places_default; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        assert_null(place_check(at, length));
        at += length;
        count++;
    }
    assert_true(count > 50);
}

/* The page that lists them, from the top of the tree. */
static void the_page_lists_the_default_places(void **state)
{
    static char page[1 << 16];
    FILE *file = fopen("docs/spyqd.conf.5", "re");
    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    for (const char *at = places_default; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " "), name = strcspn(at, ":");
        char line[128];
        snprintf(line, sizeof(line), "\n.Pa %.*s ", (int)(length - name - 1), at + name + 1);
        if (!strstr(page, line))
            fail_msg("spyqd.conf(5) does not list %.*s", (int)length, at);
        at += length;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_in_the_place_whose_pattern_it_matches),
        cmocka_unit_test(what_is_like_a_place_is_none),
        cmocka_unit_test(no_path_and_no_places_are_no_place),
        cmocka_unit_test(a_place_has_a_name_and_an_absolute_pattern),
        cmocka_unit_test(the_default_places_are_places),
        cmocka_unit_test(the_page_lists_the_default_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
