#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"

#include "model/file-ranges.h"
#include "model/limits.h"

#define END DOSVC_SIZE_UNKNOWN

static const struct {
        size_t n;
        FileRange ranges[4];
        int result;
} range_lists[] = {
        { 0, { { 0, 0 } }, -EINVAL },
        { 1, { { 0, 1 } }, 0 },
        { 1, { { 0, END } }, 0 },
        { 1, { { END - 1, END } }, 0 },
        { 1, { { 5, 0 } }, -ERANGE },
        { 1, { { END, 1 } }, -ERANGE },
        { 1, { { END, END } }, -ERANGE },
        { 1, { { END - 2, 1 } }, 0 },
        { 1, { { END - 2, 2 } }, -ERANGE }, /* its end would be "unknown" */
        { 1, { { END - 2, 3 } }, -ERANGE },
        { 1, { { 2, END - 1 } }, -ERANGE },
        { 2, { { 0, 10 }, { 10, 10 } }, 0 },
        { 2, { { 10, 10 }, { 0, 10 } }, 0 },
        { 2, { { 0, 11 }, { 10, 10 } }, -EOVERFLOW },
        { 2, { { 10, 10 }, { 0, 11 } }, -EOVERFLOW },
        { 2, { { 5, 1 }, { 5, 1 } }, -EOVERFLOW },
        { 2, { { 5, 2 }, { 5, 1 } }, -EOVERFLOW },
        { 2, { { 0, END }, { 100, 1 } }, -EOVERFLOW },
        { 2, { { 100, 1 }, { 0, END } }, -EOVERFLOW },
        { 2, { { 100, END }, { 0, 100 } }, 0 },
        { 2, { { 100, END }, { 200, END } }, -EOVERFLOW },
        { 3, { { 20, 10 }, { 0, 10 }, { 10, 10 } }, 0 },
        { 3, { { 20, 10 }, { 0, 10 }, { 10, 11 } }, -EOVERFLOW },
        { 3, { { 0, 1 }, { 1, 0 }, { 2, 1 } }, -ERANGE },
};

START_TEST(a_list_of_ranges_gets_its_answer)
{
        const char *reason = NULL;
        int r = file_ranges_check(range_lists[_i].ranges, range_lists[_i].n, &reason);

        ck_assert_int_eq(r, range_lists[_i].result);
        ck_assert((r < 0) == (reason != NULL));
}
END_TEST

START_TEST(a_file_has_a_limit_of_ranges)
{
        FileRange ranges[LIMIT_RANGES_PER_FILE + 1];
        const char *reason = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
                ranges[i] = (FileRange){ (ARRAY_SIZE(ranges) - i) * 2, 1 };
        ck_assert_int_eq(file_ranges_check(ranges, LIMIT_RANGES_PER_FILE, &reason), 0);
        ck_assert_int_eq(file_ranges_check(ranges, LIMIT_RANGES_PER_FILE + 1, &reason),
                         -ETOOMANYREFS);
        ck_assert_uint_eq(ranges[0].offset_bytes, ARRAY_SIZE(ranges) * 2); /* order is kept */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("file-ranges");
        TCase *ranges = tcase_create("ranges");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(ranges, a_list_of_ranges_gets_its_answer, 0, ARRAY_SIZE(range_lists));
        tcase_add_test(ranges, a_file_has_a_limit_of_ranges);
        suite_add_tcase(suite, ranges);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
