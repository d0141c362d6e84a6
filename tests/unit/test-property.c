/*
 * Properties as dosvcctl shows and takes them, known ones and such as a newer service might have.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-lib/internal.h"
#include "ctl/property.h"

/* Properties as if they had come from the service; the arguments are those of an a{sv}. */
static dosvc_values *values_of(const char *types, ...)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        dosvc_values *values = NULL;
        int pair[2];
        va_list args;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, NULL, "/path", "a.b", "X"), 0);
        va_start(args, types);
        ck_assert_int_ge(sd_bus_message_appendv(m, types, args), 0);
        va_end(args);
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(m, 1), 0);
        ck_assert_int_ge(values_read(m, &values), 0);
        (void) close(pair[1]);
        return values;
}

START_TEST(names_become_words)
{
        static const char *const cases[][2] = {
                { "Id", "id" },
                { "DisplayName", "display-name" },
                { "CACertificate", "ca-certificate" },
                { "MinimumRetryDelay", "minimum-retry-delay" },
                { "ErrorURL", "error-url" },
                { "X", "x" },
                { "", "" },
                { "UMask", "umask" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *words = property_words(cases[i][0], '-');

                ck_assert_str_eq(words, cases[i][1]);
        }
        ck_assert(property_is_called("CACertificate", "ca-certificate"));
        ck_assert(property_is_called("CACertificate", "CACertificate"));
        ck_assert(!property_is_called("CACertificate", "cacertificate"));
        ck_assert(!property_is_called("CACertificate", "ca_certificate"));
}
END_TEST

START_TEST(units_follow_from_names)
{
        static const struct {
                const char *name;
                PropertyUnit unit;
        } cases[] = {
                { "MinimumRetryDelay", PROPERTY_SPAN },   { "NoProgressTimeout", PROPERTY_SPAN },
                { "MaximumDownloadTime", PROPERTY_SPAN }, { "CreationTime", PROPERTY_POINT },
                { "NextAttemptTime", PROPERTY_POINT },    { "MaximumRate", PROPERTY_SIZE },
                { "BytesTotal", PROPERTY_SIZE },          { "FilesTotal", PROPERTY_PLAIN },
                { "MaximumConnections", PROPERTY_PLAIN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(property_unit(cases[i].name) == cases[i].unit, "%s", cases[i].name);
}
END_TEST

/* name is the only property, of that type and value. */
#define assert_shown(expected_text, expected_json, name, ...)                                      \
        do {                                                                                       \
                dosvc_values *shown_ = values_of("a{sv}", 1, name, __VA_ARGS__);                   \
                json_t *json_ = property_json(shown_, name);                                       \
                char *text_ = property_text(shown_, name);                                         \
                char *dump_ = json_dumps(json_, JSON_ENCODE_ANY | JSON_COMPACT);                   \
                                                                                                   \
                ck_assert_str_eq(text_, expected_text);                                            \
                ck_assert_str_eq(dump_, expected_json);                                            \
                free(text_);                                                                       \
                free(dump_);                                                                       \
                json_decref(json_);                                                                \
                dosvc_values_free(shown_);                                                         \
        } while (0)

START_TEST(values_of_every_type_are_shown)
{
        const uint64_t one = 1, unknown = DOSVC_UNKNOWN_SIZE, never = 0;

        assert_shown("text", "\"text\"", "Text", "s", "text");
        assert_shown("a b", "[\"a\",\"b\"]", "List", "as", 2, "a", "b");
        assert_shown("", "[]", "List", "as", 0);
        assert_shown("5", "5", "Connections", "u", 5);
        assert_shown("1", "1", "BytesTotal", "t", one);
        assert_shown("", "null", "BytesTotal", "t", unknown);
        assert_shown("1970-01-01T00:00:00.000001Z",
                     "\"1970-01-01T00:00:00.000001Z\"",
                     "CreationTime",
                     "t",
                     one);
        assert_shown("", "null", "CreationTime", "t", never);
        assert_shown("0", "0", "MaximumDownloadTime", "t", never);
        assert_shown("yes", "true", "AutoComplete", "b", 1);
        assert_shown("no", "false", "AutoComplete", "b", 0);
        assert_shown("0-9,20-",
                     "[{\"offset\":0,\"length\":10},{\"offset\":20,\"length\":null}]",
                     "Ranges",
                     "a(tt)",
                     2,
                     UINT64_C(0),
                     UINT64_C(10),
                     UINT64_C(20),
                     unknown);
        assert_shown("server:basic proxy:ntlm",
                     "[[\"server\",\"basic\"],[\"proxy\",\"ntlm\"]]",
                     "CredentialSlots",
                     "a(ss)",
                     2,
                     "server",
                     "basic",
                     "proxy",
                     "ntlm");
        assert_shown("a=1 b=x",
                     "{\"a\":1,\"b\":\"x\"}",
                     "Table",
                     "a{sv}",
                     2,
                     "a",
                     "u",
                     1,
                     "b",
                     "s",
                     "x");
        assert_shown("", "null", "Temperature", "d", 1.5);
}
END_TEST

static void collect_names(void *userdata, const PropertyRow *row)
{
        char *names = userdata;

        (void) strncat(names, row->name, 20);
        (void) strncat(names, " ", 2);
}

START_TEST(known_structures_are_shown_by_their_members)
{
        dosvc_values *values = values_of("a{sv}",
                                         3,
                                         "ProxySettings",
                                         "(sasas)",
                                         "none",
                                         0,
                                         0,
                                         "Newer",
                                         "(su)",
                                         "text",
                                         1,
                                         "Error",
                                         "(usssso)",
                                         0,
                                         "",
                                         "",
                                         "",
                                         "",
                                         "/");
        char names[512] = "";

        property_each(values, collect_names, names);
        ck_assert_str_eq(names,
                         "ProxyUsage Proxies ProxyBypass Newer ErrorCode ErrorName ErrorContext "
                         "ErrorDescription ErrorUrl ErrorFile ");
        dosvc_values_free(values);
}
END_TEST

START_TEST(numbers_have_the_units_of_their_property)
{
        static const struct {
                const char *name, *text;
                int r;
                uint64_t number;
        } cases[] = {
                { "RetryDelay", "90", 0, 90 },
                { "RetryDelay", "5min", 0, 300 },
                { "RetryDelay", "1h 30min", 0, 5400 },
                { "RetryDelay", "2d", 0, 172800 },
                { "RetryDelay", "", -EINVAL, 0 },
                { "RetryDelay", "-1", -EINVAL, 0 },
                { "RetryDelay", "5M", -EINVAL, 0 },
                { "RetryDelay", "99999999999999999999", -EINVAL, 0 },
                { "MaximumRate", "2M", 0, 2 << 20 },
                { "MaximumRate", "64k", 0, 64 << 10 },
                { "MaximumRate", "0", 0, 0 },
                { "MaximumRate", "2min", -EINVAL, 0 },
                { "MaximumRate", "2MB", -EINVAL, 0 },
                { "MaximumRate", "M", -EINVAL, 0 },
                { "MaximumRate", "16384P", -EINVAL, 0 },
                { "Connections", "4", 0, 4 },
                { "Connections", "4K", -EINVAL, 0 },
                { "Connections", "4x", -EINVAL, 0 },
                { "Connections", "", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t number = 0;

                ck_assert_msg(property_parse_number(cases[i].name, cases[i].text, &number) ==
                                      cases[i].r,
                              "%s",
                              cases[i].text);
                ck_assert_uint_eq(number, cases[i].number);
                ck_assert_str_ne(property_number_form(cases[i].name), "");
        }
}
END_TEST

START_TEST(yes_and_no_have_several_words)
{
        static const char *const yes[] = { "yes", "TRUE", "on", "1" };
        static const char *const no[] = { "no", "false", "Off", "0" };
        int value = 9;

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                ck_assert_int_eq(property_parse_boolean(yes[i], &value), 0);
                ck_assert_int_eq(value, 1);
                ck_assert_int_eq(property_parse_boolean(no[i], &value), 0);
                ck_assert_int_eq(value, 0);
        }
        ck_assert_int_eq(property_parse_boolean("maybe", &value), -EINVAL);
}
END_TEST

START_TEST(lists_are_split_at_commas_and_spaces)
{
        static const char *const texts[] = { "a,bb c", " a, bb,,c ", "a bb c" };
        char empty[] = " , ";
        const char **list;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_free_ char *text = strdup(texts[i]);

                list = property_split(text);
                ck_assert_str_eq(list[0], "a");
                ck_assert_str_eq(list[1], "bb");
                ck_assert_str_eq(list[2], "c");
                ck_assert_ptr_null(list[3]);
                free(list);
        }
        list = property_split(empty);
        ck_assert_ptr_null(list[0]);
        free(list);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("property");
        TCase *tcase = tcase_create("property");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, names_become_words);
        tcase_add_test(tcase, units_follow_from_names);
        tcase_add_test(tcase, values_of_every_type_are_shown);
        tcase_add_test(tcase, known_structures_are_shown_by_their_members);
        tcase_add_test(tcase, numbers_have_the_units_of_their_property);
        tcase_add_test(tcase, yes_and_no_have_several_words);
        tcase_add_test(tcase, lists_are_split_at_commas_and_spaces);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
