#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/macro.h"

#include "worker/parts.h"

#define UNKNOWN DOSVC_SIZE_UNKNOWN

static FileRange backwards[] = { { 50, 10 }, { 20, UNKNOWN }, { 0, 5 } };
static FileRange forwards[] = { { 0, 5 }, { 5, 1 }, { 20, UNKNOWN } };

START_TEST(the_whole_file_is_one_part)
{
        FileRecord record = { .total_bytes = 100 };
        uint64_t total;
        Part part;

        ck_assert_int_eq(parts_next(&record, 100, 30, &part), 1);
        ck_assert_uint_eq(part.from, 30);
        ck_assert_uint_eq(part.length_bytes, 70);
        ck_assert(part.to_end);
        ck_assert_int_eq(parts_next(&record, 100, 100, &part), 0);
        ck_assert_int_eq(parts_next(&record, UNKNOWN, 100, &part), 1);
        ck_assert_uint_eq(part.length_bytes, UNKNOWN);
        ck_assert_int_eq(parts_total(&record, 0, &total), 0);
        ck_assert_uint_eq(total, 0);
}
END_TEST

START_TEST(parts_lie_in_the_order_given)
{
        FileRecord record = { .ranges = backwards, .n_ranges = 3 };
        static const struct {
                uint64_t size, position;
                int found;
                uint64_t from, length;
        } cases[] = {
                { 100, 0, 1, 50, 10 },
                { 100, 9, 1, 59, 1 },
                { 100, 10, 1, 20, 80 },
                { 100, 89, 1, 99, 1 },
                { 100, 90, 1, 0, 5 },
                { 100, 94, 1, 4, 1 },
                { 100, 95, 0, 0, 0 },
                { UNKNOWN, 9, 1, 59, 1 },
                { UNKNOWN, 10, 1, 20, UNKNOWN },
                { UNKNOWN, 95, 1, 105, UNKNOWN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Part part = { 0 };

                ck_assert_int_eq(parts_next(&record, cases[i].size, cases[i].position, &part),
                                 cases[i].found);
                ck_assert_msg(part.from == cases[i].from, "%zu", i);
                ck_assert_msg(part.length_bytes == cases[i].length, "%zu", i);
        }
        ck_assert(!parts_ascend(&record));
        record.ranges = forwards;
        ck_assert(parts_ascend(&record));
}
END_TEST

START_TEST(parts_out_of_the_file_are_refused)
{
        static const struct {
                FileRange range;
                uint64_t size;
                int result;
                uint64_t total;
        } cases[] = {
                { { 0, 10 }, 10, 0, 10 },
                { { 0, 11 }, 10, -ERANGE, 0 },
                { { 9, 1 }, 10, 0, 1 },
                { { 10, 1 }, 10, -ERANGE, 0 },
                { { 9, UNKNOWN }, 10, 0, 1 },
                { { 10, UNKNOWN }, 10, -ERANGE, 0 },
                { { 5, UINT64_MAX - 1 }, 10, -ERANGE, 0 },
                { { 5, UINT64_MAX - 1 }, UNKNOWN, -ERANGE, 0 },
                { { 5, 5 }, UNKNOWN, 0, 5 },
                { { 5, UNKNOWN }, UNKNOWN, 0, UNKNOWN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRange range = cases[i].range;
                FileRecord record = { .ranges = &range, .n_ranges = 1 };
                uint64_t total = 0;

                ck_assert_msg(parts_total(&record, cases[i].size, &total) == cases[i].result,
                              "%zu",
                              i);
                ck_assert_uint_eq(total, cases[i].total);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("parts");
        TCase *tcase = tcase_create("parts");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, the_whole_file_is_one_part);
        tcase_add_test(tcase, parts_lie_in_the_order_given);
        tcase_add_test(tcase, parts_out_of_the_file_are_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
