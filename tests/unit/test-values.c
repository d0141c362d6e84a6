/*
 * Named values, and the calls that carry them, with a service that has properties of every type:
 * newer ones than this library knows, and an older one that lacks some.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-lib/internal.h"

#define JOB      "0123456789abcdef0123456789abcdef"
#define JOB_PATH DOSVC_JOB_PREFIX "/" JOB

#define CALLS_MAX 8

static sd_bus *bus;
static dosvc_connection *connection;
static int pair[2];

/* The answers of the service to the calls in turn (NULL: that name of an error), and the calls.
 */
static sd_bus_message *answers[CALLS_MAX];
static const char *refusals[CALLS_MAX];
static sd_bus_message *calls[CALLS_MAX];
static size_t n_calls;

/* In place of libsystemd's: the service. */
int sd_bus_call(sd_bus *b, sd_bus_message *m, uint64_t usec, sd_bus_error *e, sd_bus_message **ret)
{
        size_t i = n_calls++;

        ck_assert_uint_lt(i, CALLS_MAX);
        calls[i] = sd_bus_message_ref(m);
        ck_assert_int_ge(sd_bus_message_seal(m, i + 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(m, 1), 0);
        if (refusals[i])
                return sd_bus_error_set(e, refusals[i], "It is refused.");
        if (ret)
                *ret = sd_bus_message_ref(answers[i]);
        return 1;
}

static sd_bus_message *new_answer(size_t i)
{
        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &answers[i],
                                                        NULL,
                                                        "/path",
                                                        "an.interface",
                                                        "X"),
                         0);
        return answers[i];
}

static void finish_answer(size_t i)
{
        ck_assert_int_ge(sd_bus_message_seal(answers[i], i + 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(answers[i], 1), 0);
}

#define answer(i, ...)                                                                             \
        do {                                                                                       \
                ck_assert_int_ge(sd_bus_message_append(new_answer(i), __VA_ARGS__), 0);            \
                finish_answer(i);                                                                  \
        } while (0)

static void setup(void)
{
        ck_assert_int_ge(error_register(), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        connection = calloc(1, sizeof(*connection));
        ck_assert_ptr_nonnull(connection);
        connection->bus = bus;
}

static void teardown(void)
{
        free(connection->error_name);
        free(connection->error_message);
        free(connection);
        for (size_t i = 0; i < CALLS_MAX; i++) {
                answers[i] = sd_bus_message_unref(answers[i]);
                calls[i] = sd_bus_message_unref(calls[i]);
        }
        bus = sd_bus_close_unref(bus);
        (void) close(pair[1]);
}

static void assert_call(size_t i, const char *member)
{
        ck_assert_uint_lt(i, n_calls);
        ck_assert_str_eq(sd_bus_message_get_member(calls[i]), member);
}

/* -------------------------------------------------------------------------- values */

START_TEST(a_value_is_what_it_was_set_to_last)
{
        static const char *const two[] = { "a", "b", NULL };
        dosvc_values *values = dosvc_values_new();
        const char *string, *const *strings;
        uint64_t number, offset, length;
        int boolean;

        ck_assert_int_eq(dosvc_values_set_number(values, "x", 1), 0);
        ck_assert_int_eq(dosvc_values_set_string(values, "x", "text"), 0);
        ck_assert_int_eq(dosvc_values_set_strings(values, "list", two), 0);
        ck_assert_int_eq(dosvc_values_set_strings(values, "none", NULL), 0);
        ck_assert_int_eq(dosvc_values_set_boolean(values, "yes", 17), 0);
        ck_assert_int_eq(dosvc_values_set_number(values, "n", UINT64_MAX), 0);
        ck_assert_int_eq(dosvc_values_add_range(values, "ranges", 0, 10), 0);
        ck_assert_int_eq(dosvc_values_add_range(values, "ranges", 20, DOSVC_UNKNOWN_SIZE), 0);
        ck_assert_uint_eq(dosvc_values_size(values), 6);
        ck_assert_str_eq(dosvc_values_name(values, 0), "x");
        ck_assert_str_eq(dosvc_values_name(values, 5), "ranges");
        ck_assert_int_eq(dosvc_values_type(values, "x"), DOSVC_TYPE_STRING);
        ck_assert_int_eq(dosvc_values_type(values, "y"), DOSVC_TYPE_NONE);

        ck_assert_int_eq(dosvc_values_get_string(values, "x", &string), 0);
        ck_assert_str_eq(string, "text");
        ck_assert_int_eq(dosvc_values_get_strings(values, "list", &strings), 0);
        ck_assert_str_eq(strings[1], "b");
        ck_assert_ptr_null(strings[2]);
        ck_assert_int_eq(dosvc_values_get_strings(values, "none", &strings), 0);
        ck_assert_ptr_null(strings[0]);
        ck_assert_int_eq(dosvc_values_get_boolean(values, "yes", &boolean), 0);
        ck_assert_int_eq(boolean, 1);
        ck_assert_int_eq(dosvc_values_get_number(values, "n", &number), 0);
        ck_assert_uint_eq(number, UINT64_MAX);
        ck_assert_int_eq(dosvc_values_get_range(values, "ranges", 1, &offset, &length), 1);
        ck_assert_uint_eq(offset, 20);
        ck_assert_uint_eq(length, DOSVC_UNKNOWN_SIZE);
        ck_assert_int_eq(dosvc_values_get_range(values, "ranges", 2, &offset, &length), 0);
        ck_assert_ptr_null(dosvc_values_free(values));
        ck_assert_ptr_null(dosvc_values_free(NULL));
}
END_TEST

START_TEST(a_missing_value_and_one_of_another_type_are_told_apart)
{
        dosvc_values *values = dosvc_values_new();
        const dosvc_values *inner = NULL;
        const char *string = "kept";
        uint64_t number = 7;

        ck_assert_int_eq(dosvc_values_set_string(values, "x", "text"), 0);
        ck_assert_int_eq(dosvc_values_get_number(values, "x", &number), -EPROTOTYPE);
        ck_assert_int_eq(dosvc_values_get_number(values, "y", &number), -ENOENT);
        ck_assert_int_eq(dosvc_values_get_string(values, "y", &string), -ENOENT);
        ck_assert_int_eq(dosvc_values_get_values(values, "x", &inner), -EPROTOTYPE);
        ck_assert_int_eq(dosvc_values_get_range(values, "x", 0, &number, &number), -EPROTOTYPE);
        ck_assert_str_eq(string, "kept");
        ck_assert_uint_eq(number, 7);
        dosvc_values_free(values);
}
END_TEST

/* ----------------------------------------------------------------------- properties */

START_TEST(properties_of_every_type_are_read)
{
        const dosvc_values *inner, *entries;
        const char *const *strings;
        dosvc_values *values;
        const char *string;
        uint64_t number, length;
        int boolean;

        answer(0,
               "a{sv}",
               10,
               "Text",
               "s",
               "text",
               "Object",
               "o",
               "/an/object",
               "Narrow",
               "u",
               5,
               "Wide",
               "t",
               UINT64_C(6),
               "Flag",
               "b",
               1,
               "List",
               "as",
               2,
               "a",
               "b",
               "Parts",
               "a(tt)",
               2,
               UINT64_C(1),
               UINT64_C(2),
               UINT64_C(3),
               UINT64_C(4),
               "Pairs",
               "a(ss)",
               1,
               "server",
               "basic",
               "Table",
               "a{sv}",
               1,
               "key",
               "s",
               "inside",
               "Temperature",
               "d",
               1.5);
        ck_assert_int_eq(dosvc_file_get_info(connection, JOB, 3, &values), 0);
        ck_assert_str_eq(sd_bus_message_get_path(calls[0]), JOB_PATH "/file/3");
        assert_call(0, "GetAll");
        ck_assert_uint_eq(dosvc_values_size(values), 10);
        ck_assert_str_eq(dosvc_values_name(values, 9), "Temperature");
        ck_assert_int_eq(dosvc_values_get_string(values, "Object", &string), 0);
        ck_assert_str_eq(string, "/an/object");
        ck_assert_int_eq(dosvc_values_get_number(values, "Narrow", &number), 0);
        ck_assert_uint_eq(number, 5);
        ck_assert_int_eq(dosvc_values_get_number(values, "Wide", &number), 0);
        ck_assert_uint_eq(number, 6);
        ck_assert_int_eq(dosvc_values_get_boolean(values, "Flag", &boolean), 0);
        ck_assert_int_eq(boolean, 1);
        ck_assert_int_eq(dosvc_values_get_strings(values, "List", &strings), 0);
        ck_assert_str_eq(strings[1], "b");
        ck_assert_int_eq(dosvc_values_get_range(values, "Parts", 1, &number, &length), 1);
        ck_assert_uint_eq(number, 3);
        ck_assert_uint_eq(length, 4);
        ck_assert_int_eq(dosvc_values_get_values(values, "Pairs", &inner), 0);
        ck_assert_uint_eq(dosvc_values_size(inner), 1);
        ck_assert_int_eq(dosvc_values_get_values(inner, "0", &entries), 0);
        ck_assert_str_eq(values_text(entries, "1"), "basic");
        ck_assert_int_eq(dosvc_values_get_values(values, "Table", &inner), 0);
        ck_assert_str_eq(values_text(inner, "key"), "inside");
        ck_assert_int_eq(dosvc_values_type(values, "Temperature"), DOSVC_TYPE_OTHER);
        dosvc_values_free(values);
}
END_TEST

START_TEST(a_job_of_an_older_service_reads_as_nothing_where_it_has_nothing)
{
        dosvc_job_info *info;
        uint64_t number;

        answer(0, "a{sv}", 2, "Id", "s", JOB, "State", "s", "queued");
        ck_assert_int_eq(dosvc_job_get_info(connection, JOB, &info), 0);
        ck_assert_str_eq(dosvc_job_info_state(info), "queued");
        ck_assert_str_eq(dosvc_job_info_priority(info), "");
        ck_assert_str_eq(dosvc_job_info_proxy_usage(info), "");
        ck_assert_ptr_null(dosvc_job_info_proxies(info)[0]);
        ck_assert_uint_eq(dosvc_job_info_error_code(info), 0);
        ck_assert_int_eq((int) dosvc_job_info_error_file(info), -1);
        ck_assert_int_eq(dosvc_values_get_number(info, "MinimumRetryDelay", &number), -ENOENT);
        dosvc_job_info_free(info);
}
END_TEST

START_TEST(settings_are_what_the_service_lets_write_in_its_order)
{
        dosvc_values *settings;

        answer(0,
               "a{sv}",
               4,
               "State",
               "s",
               "queued",
               "Newer",
               "t",
               UINT64_C(5),
               "Priority",
               "s",
               "low",
               "DisplayName",
               "s",
               "name");
        answer(1,
               "s",
               "<!DOCTYPE node>\n<node>\n"
               " <interface name=\"org.freedesktop.DBus.Properties\">\n"
               "  <property name=\"State\" type=\"s\" access=\"readwrite\"/>\n </interface>\n"
               " <interface name=\"org.dosvc1.Job\">\n"
               "  <method name=\"Resume\">\n  </method>\n"
               "  <property name=\"State\" type=\"s\" access=\"read\">\n  </property>\n"
               "  <property name=\"DisplayName\" type=\"s\" access=\"readwrite\">\n  </property>\n"
               "  <property access='readwrite' type='s' name='Priority'/>\n"
               "  <property name=\"CustomHeaders\" type=\"as\" access=\"readwrite\"/>\n"
               "  <property name=\"Newer\" type=\"t\" access=\"readwrite\"/>\n"
               " </interface>\n <node name=\"file\"/>\n</node>\n");
        ck_assert_int_eq(dosvc_job_get_settings(connection, JOB, &settings), 0);
        assert_call(1, "Introspect");
        ck_assert_uint_eq(dosvc_values_size(settings), 3);
        ck_assert_str_eq(dosvc_values_name(settings, 0), "DisplayName");
        ck_assert_str_eq(dosvc_values_name(settings, 1), "Priority");
        ck_assert_str_eq(dosvc_values_name(settings, 2), "Newer");
        ck_assert_str_eq(values_text(settings, "Priority"), "low");
        dosvc_values_free(settings);
}
END_TEST

START_TEST(an_introspection_that_breaks_off_has_no_settings)
{
        static const char *const texts[] = {
                "",
                "<",
                "<interface name=",
                "<interface name=\"org.dosvc1.Job\"><property name",
                "<interface name=\"org.dosvc1.Job\"><property name=>",
                "<interface name=\"org.dosvc1.Job\"><property name=\"X>",
                "<interface name=\"org.dosvc1.Job\"><property >",
        };
        char name[NAME_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                Introspection in = { .at = texts[i] };

                ck_assert_msg(!introspection_next_writable(&in, DOSVC_JOB_INTERFACE, name),
                              "%s",
                              texts[i]);
        }
}
END_TEST

/* ---------------------------------------------------------------------------- calls */

START_TEST(a_number_is_written_in_the_width_that_the_property_has)
{
        const char *property;
        uint32_t narrow;
        uint64_t wide;

        answer(0, "v", "u", 1);
        answer(2, "v", "t", UINT64_C(1));
        ck_assert_int_eq(dosvc_job_set_number(connection, JOB, "Narrow", 7), 0);
        assert_call(0, "Get");
        assert_call(1, "Set");
        ck_assert_int_gt(sd_bus_message_read(calls[1], "ssv", NULL, &property, "u", &narrow), 0);
        ck_assert_str_eq(property, "Narrow");
        ck_assert_uint_eq(narrow, 7);
        ck_assert_int_eq(dosvc_job_set_number(connection, JOB, "Wide", UINT64_MAX), 0);
        ck_assert_int_gt(sd_bus_message_read(calls[3], "ssv", NULL, NULL, "t", &wide), 0);
        ck_assert_uint_eq(wide, UINT64_MAX);
}
END_TEST

START_TEST(a_number_that_the_property_cannot_be_is_refused_here)
{
        answer(0, "v", "u", 1);
        answer(1, "v", "s", "text");
        ck_assert_int_eq(dosvc_job_set_number(connection, JOB, "Narrow", UINT64_C(1) << 32),
                         -EINVAL);
        ck_assert_str_ne(dosvc_last_error_message(connection), "");
        ck_assert_int_eq(dosvc_job_set_number(connection, JOB, "Text", 1), -EINVAL);
        refusals[2] = SD_BUS_ERROR_UNKNOWN_PROPERTY;
        ck_assert_int_eq(dosvc_job_set_number(connection, JOB, "Nothing", 1), -EBADR);
        ck_assert_uint_eq(n_calls, 3);
}
END_TEST

START_TEST(a_text_that_is_not_utf_8_is_refused_here)
{
        static const char *const list[] = { "good", "bad\xff", NULL };

        ck_assert_int_eq(dosvc_job_set_string(connection, JOB, "Text", "bad\xff"), -EINVAL);
        ck_assert_ptr_nonnull(strstr(dosvc_last_error_message(connection), "UTF-8"));
        ck_assert_int_eq(dosvc_job_set_strings(connection, JOB, "List", list), -EINVAL);
        ck_assert_ptr_nonnull(strstr(dosvc_last_error_message(connection), "UTF-8"));
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(options_go_with_the_file)
{
        dosvc_values *options = dosvc_values_new();
        const char *key[2], *digest;
        uint64_t offset, length;
        uint32_t index;

        answer(0, "o", JOB_PATH "/file/4");
        ck_assert_int_eq(dosvc_values_set_string(options, "sha1", "00"), 0);
        ck_assert_int_eq(dosvc_values_add_range(options, "ranges", 5, 6), 0);
        ck_assert_int_eq(
                dosvc_job_add_file_with(connection, JOB, "http://h/", "/f", options, &index),
                0);
        ck_assert_uint_eq(index, 4);
        ck_assert_int_gt(sd_bus_message_read(calls[0],
                                             "ssa{sv}",
                                             NULL,
                                             NULL,
                                             2,
                                             &key[0],
                                             "s",
                                             &digest,
                                             &key[1],
                                             "a(tt)",
                                             1,
                                             &offset,
                                             &length),
                         0);
        ck_assert_str_eq(key[0], "sha1");
        ck_assert_str_eq(digest, "00");
        ck_assert_str_eq(key[1], "ranges");
        ck_assert_uint_eq(offset, 5);
        ck_assert_uint_eq(length, 6);
        dosvc_values_free(options);
}
END_TEST

/* Options "Priority" and, behind it, "MinimumRetryDelay". */
static dosvc_values *job_options(void)
{
        dosvc_values *options = dosvc_values_new();

        ck_assert_int_eq(dosvc_values_set_string(options, "Priority", "low"), 0);
        ck_assert_int_eq(dosvc_values_set_number(options, "MinimumRetryDelay", 30), 0);
        return options;
}

START_TEST(a_job_is_created_with_options)
{
        dosvc_values *options = job_options();
        const char *type, *key, *value;
        char id[DOSVC_ID_SIZE];

        answer(0, "o", JOB_PATH);
        answer(1, "v", "t", UINT64_C(600));
        ck_assert_int_eq(dosvc_job_create_with(connection, "name", NULL, options, id), 0);
        ck_assert_str_eq(id, JOB);
        ck_assert_int_gt(
                sd_bus_message_read(calls[0], "ssa{sv}", NULL, &type, 1, &key, "s", &value),
                0);
        ck_assert_str_eq(type, "download");
        ck_assert_str_eq(key, "Priority");
        ck_assert_str_eq(value, "low");
        assert_call(2, "Set");
        ck_assert_uint_eq(n_calls, 3);
        dosvc_values_free(options);
}
END_TEST

START_TEST(a_job_whose_number_is_refused_does_not_stay)
{
        dosvc_values *options = job_options();
        char id[DOSVC_ID_SIZE] = "unchanged";

        answer(0, "o", JOB_PATH);
        answer(1, "v", "t", UINT64_C(600));
        refusals[2] = SD_BUS_ERROR_INVALID_ARGS;
        refusals[3] = SD_BUS_ERROR_UNKNOWN_OBJECT;
        ck_assert_int_eq(dosvc_job_create_with(connection, "name", "download", options, id),
                         -EINVAL);
        assert_call(3, "Cancel");
        ck_assert_str_eq(dosvc_last_error_name(connection), SD_BUS_ERROR_INVALID_ARGS);
        ck_assert_str_eq(id, "unchanged");
        dosvc_values_free(options);
}
END_TEST

START_TEST(what_was_only_read_cannot_be_an_option)
{
        dosvc_values *values;
        uint32_t index = 9;

        answer(0, "a{sv}", 1, "Pairs", "a(ss)", 1, "server", "basic");
        ck_assert_int_eq(dosvc_file_get_info(connection, JOB, 0, &values), 0);
        ck_assert_int_eq(
                dosvc_job_add_file_with(connection, JOB, "http://h/", "/f", values, &index),
                -EINVAL);
        ck_assert_uint_eq(n_calls, 1);
        ck_assert_uint_eq(index, 9);
        dosvc_values_free(values);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        return tcase;
}

int main(void)
{
        Suite *suite = suite_create("values");
        TCase *values = add_case(suite, "values"), *properties = add_case(suite, "properties");
        TCase *options = add_case(suite, "calls");
        SRunner *runner;
        int failed;

        tcase_add_test(values, a_value_is_what_it_was_set_to_last);
        tcase_add_test(values, a_missing_value_and_one_of_another_type_are_told_apart);

        tcase_add_test(properties, properties_of_every_type_are_read);
        tcase_add_test(properties, a_job_of_an_older_service_reads_as_nothing_where_it_has_nothing);
        tcase_add_test(properties, settings_are_what_the_service_lets_write_in_its_order);
        tcase_add_test(properties, an_introspection_that_breaks_off_has_no_settings);

        tcase_add_test(options, a_number_is_written_in_the_width_that_the_property_has);
        tcase_add_test(options, a_number_that_the_property_cannot_be_is_refused_here);
        tcase_add_test(options, a_text_that_is_not_utf_8_is_refused_here);
        tcase_add_test(options, options_go_with_the_file);
        tcase_add_test(options, a_job_is_created_with_options);
        tcase_add_test(options, a_job_whose_number_is_refused_does_not_stay);
        tcase_add_test(options, what_was_only_read_cannot_be_an_option);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
