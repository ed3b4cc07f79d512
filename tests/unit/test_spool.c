/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waits in a spool comes out whole, however long, or is known to be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../../shell/spool.h"

static char *make_text(size_t length)
{
    char *text = malloc(length + 1);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(i * 31 + i / 251);
    return text;
}

/* Written in pieces of so many bytes. */
static void fill(struct spool *spool, const char *text, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece)
        fwrite(text + at, 1, length - at < piece ? length - at : piece, spool_file(spool));
}

static void assert_comes_out(size_t length, size_t piece)
{
    char *text = make_text(length), *found = NULL;
    size_t size = 0;
    struct spool *spool = spool_make();
    FILE *out = open_memstream(&found, &size);
    assert_true(spool && out);
    fill(spool, text, length, piece);
    assert_true(spool_end(spool));
    spool_copy(spool, out);
    spool_free(spool);
    fclose(out);
    assert_int_equal(size, length);
    assert_memory_equal(found, text, length);
    free(text);
    free(found);
}

static void every_length_comes_out_whole(void **state)
{
    static const size_t lengths[] = {0, 1, 4095, 65535, 65536, 65537, 70000, 131072, 1000001};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_comes_out(lengths[i], 1);
        assert_comes_out(lengths[i], 777);
        assert_comes_out(lengths[i], 1 << 20);
    }
}

static void set_file_limit(rlim_t limit)
{
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static void without_a_file_a_long_one_fails(void **state)
{
    char *text = make_text(100000);
    (void)state;
    set_file_limit(0);
    struct spool *shorter = spool_make(), *longer = spool_make();
    assert_true(shorter && longer);
    fill(shorter, text, 60000, 1000);
    fill(longer, text, 100000, 1000);
    assert_true(spool_end(shorter));
    assert_false(spool_end(longer));
    spool_free(shorter);
    spool_free(longer);
    set_file_limit(1024);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_out_whole),
        cmocka_unit_test(without_a_file_a_long_one_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
