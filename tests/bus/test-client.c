/*
 * libdosvc against the real service: each call and its errors.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

/* -------------------------------------------------------------------- connection */

START_TEST(without_a_connection_every_call_is_refused)
{
        dosvc_connection *c = (dosvc_connection *) &c; /* garbage, as a local variable has it */
        dosvc_service *service;
        dosvc_job_list *list;
        dosvc_job_info *info;
        char *text, id[DOSVC_ID_SIZE];
        int timeout;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
        ck_assert_int_eq(dosvc_open(0, &c), -ENOENT);
        ck_assert_ptr_null(c);
        ck_assert_str_eq(dosvc_last_error_message(c), strerror(ENOENT));
        ck_assert_str_eq(dosvc_last_error_name(c), "");
        dosvc_set_timeout(c, SECOND);
        ck_assert_int_eq(dosvc_get_service(c, &service), -EINVAL);
        ck_assert_int_eq(dosvc_list_jobs(c, 0, NULL, &list), -EINVAL);
        ck_assert_int_eq(dosvc_job_create(c, "x", id), -EINVAL);
        ck_assert_int_eq(dosvc_job_add_file(c, NO_JOB, "http://a/b", "/b", NULL), -EINVAL);
        ck_assert_int_eq(dosvc_job_resume(c, NO_JOB), -EINVAL);
        ck_assert_int_eq(dosvc_job_complete(c, NO_JOB), -EINVAL);
        ck_assert_int_eq(dosvc_job_set_priority(c, NO_JOB, "low"), -EINVAL);
        ck_assert_int_eq(dosvc_job_set_headers(c, NO_JOB, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_job_get_headers(c, NO_JOB, &text), -EINVAL);
        ck_assert_int_eq(dosvc_job_get_info(c, NO_JOB, &info), -EINVAL);
        ck_assert_int_eq(dosvc_job_wait(c, NO_JOB, NULL, WAIT, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(c, 0, NULL, 0, NULL, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_unsubscribe(c), -EINVAL);
        ck_assert_int_eq(dosvc_dispatch(c), -EINVAL);
        ck_assert_int_eq(dosvc_get_fd(c), -EINVAL);
        ck_assert_int_eq(dosvc_get_events(c), -EINVAL);
        ck_assert_int_eq(dosvc_get_timeout(c, &timeout), -EINVAL);
}
END_TEST

START_TEST(a_bus_that_is_not_there_is_an_error_of_open)
{
        dosvc_connection *c = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
        ck_assert_int_eq(dosvc_open(0, &c), -ENOENT);
        ck_assert_int_eq(dosvc_open(64, &c), -EINVAL);
        ck_assert_ptr_null(c);
        ck_assert_ptr_null(dosvc_close(NULL));
}
END_TEST

START_TEST(a_service_that_is_not_there_is_unreachable)
{
        daemon_stop(&fixture.daemon);
        assert_error(alice,
                     dosvc_job_resume(alice, job_id),
                     -EHOSTUNREACH,
                     DBUS_ERROR("ServiceUnknown"));
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
}
END_TEST

START_TEST(the_service_tells_what_it_is)
{
        dosvc_service *service = NULL;
        const char *const *schemes;

        ck_assert_int_eq(dosvc_get_service(alice, &service), 0);
        ck_assert_str_eq(dosvc_service_version(service), dosvc_version());
        ck_assert_str_eq(dosvc_service_credential_store(service), "keyring");
        ck_assert_str_eq(dosvc_service_credential_persistence(service), "volatile");
        ck_assert_uint_eq(dosvc_service_jobs_total(service), 1);
        ck_assert_uint_gt(dosvc_service_max_jobs_per_user(service), 0);
        ck_assert_uint_gt(dosvc_service_max_files_per_job(service), 0);
        ck_assert_str_eq(dosvc_service_protocols(service)[0], "http");
        ck_assert_ptr_nonnull(dosvc_service_features(service));
        schemes = dosvc_service_schemes(service);
        ck_assert_str_eq(schemes[0], "basic");
        ck_assert_str_eq(schemes[1], "digest");
        ck_assert_ptr_null(dosvc_service_free(service));
        ck_assert_ptr_null(dosvc_service_free(NULL));
}
END_TEST

/* -------------------------------------------------------------------------- jobs */

START_TEST(a_job_is_found_by_its_id_and_by_its_owner_only)
{
        ck_assert_int_eq(dosvc_job_find(alice, job_id), 0);
        ck_assert_int_eq(dosvc_job_find(root, job_id), 0);
        assert_error(bob, dosvc_job_find(bob, job_id), -ENOENT, ERROR("NotFound"));
        assert_error(alice, dosvc_job_find(alice, NO_JOB), -ENOENT, ERROR("NotFound"));
        assert_error(bob, dosvc_job_cancel(bob, job_id), -ENOENT, DBUS_ERROR("UnknownObject"));
        assert_error(alice, dosvc_job_find(alice, "0123"), -EINVAL, "");
        assert_error(alice, dosvc_job_resume(alice, ""), -EINVAL, "");
        assert_error(alice, dosvc_job_resume(alice, NULL), -EINVAL, "");
}
END_TEST

START_TEST(jobs_are_listed_with_what_the_list_says)
{
        dosvc_job_list *list = NULL;

        ck_assert_int_eq(dosvc_list_jobs(alice, 0, NULL, &list), 0);
        ck_assert_uint_eq(dosvc_job_list_size(list), 1);
        ck_assert_str_eq(dosvc_job_list_id(list, 0), job_id);
        ck_assert_uint_eq(dosvc_job_list_owner(list, 0), USERS_ALICE_UID);
        ck_assert_str_eq(dosvc_job_list_display_name(list, 0), "client");
        ck_assert_str_eq(dosvc_job_list_type(list, 0), "download");
        ck_assert_str_eq(dosvc_job_list_state(list, 0), "suspended");
        ck_assert_uint_eq(dosvc_job_list_bytes_transferred(list, 0), 0);
        ck_assert_ptr_null(dosvc_job_list_free(list));
        ck_assert_ptr_null(dosvc_job_list_free(NULL));
}
END_TEST

START_TEST(lists_are_filtered_by_state_and_user)
{
        dosvc_job_list *list = NULL;

        ck_assert_uint_eq(count_jobs(alice, 0, "suspended"), 1);
        ck_assert_uint_eq(count_jobs(alice, 0, "queued"), 0);
        ck_assert_uint_eq(count_jobs(bob, 0, NULL), 0);
        ck_assert_uint_eq(count_jobs(root, 0, NULL), 0);
        ck_assert_uint_eq(count_jobs(root, DOSVC_ALL_USERS, NULL), 1);
        assert_error(bob,
                     dosvc_list_jobs(bob, DOSVC_ALL_USERS, NULL, &list),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        assert_error(bob,
                     dosvc_list_jobs(bob, 0, "lost", &list),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        ck_assert_int_eq(dosvc_list_jobs(bob, 64, NULL, &list), -EINVAL);
        ck_assert_ptr_null(list);
}
END_TEST

START_TEST(many_jobs_are_listed_whole)
{
        for (int i = 0; i < 99; i++) {
                char other[DOSVC_ID_SIZE];

                ck_assert_int_eq(dosvc_job_create(alice, NULL, other), 0);
        }
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 100);
}
END_TEST

START_TEST(a_name_that_is_too_long_makes_no_job)
{
        char name[258], other[DOSVC_ID_SIZE] = "unchanged";

        memset(name, 'x', 257);
        name[257] = '\0';
        assert_error(alice, dosvc_job_create(alice, name, other), -E2BIG, ERROR("StringTooLong"));
        ck_assert_str_eq(other, "unchanged");
        ck_assert_int_lt(dosvc_job_create(alice, "bad\xff", other), 0);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
}
END_TEST

START_TEST(files_are_added_and_listed_in_order)
{
        static const char *const remote[] = { "http://h/1", "http://h/2" };
        static const char *const names[] = { "/tmp/1", "/tmp/2" };
        dosvc_file_list *list = NULL;
        uint32_t index = 99;

        ck_assert_int_eq(dosvc_job_add_file(alice, job_id, "http://h/0", "/tmp/0", &index), 0);
        ck_assert_uint_eq(index, 0);
        ck_assert_int_eq(dosvc_job_add_files(alice, job_id, remote, names, 2), 0);
        ck_assert_int_eq(dosvc_job_add_file(alice, job_id, "http://h/3", "/tmp/3", &index), 0);
        ck_assert_uint_eq(index, 3);

        ck_assert_int_eq(dosvc_job_list_files(alice, job_id, &list), 0);
        ck_assert_uint_eq(dosvc_file_list_size(list), 4);
        for (size_t i = 0; i < 4; i++) {
                char expected[32];

                (void) snprintf(expected, sizeof(expected), "http://h/%zu", i);
                ck_assert_str_eq(dosvc_file_list_remote_name(list, i), expected);
                (void) snprintf(expected, sizeof(expected), "/tmp/%zu", i);
                ck_assert_str_eq(dosvc_file_list_local_name(list, i), expected);
                ck_assert_uint_eq(dosvc_file_list_bytes_transferred(list, i), 0);
                ck_assert(dosvc_file_list_bytes_total(list, i) == DOSVC_UNKNOWN_SIZE);
                ck_assert_int_eq(dosvc_file_list_completed(list, i), 0);
        }
        ck_assert_ptr_null(dosvc_file_list_free(list));
        ck_assert_ptr_null(dosvc_file_list_free(NULL));
}
END_TEST

START_TEST(bad_files_are_refused_all_or_none)
{
        static const char *const remote[] = { "http://h/1", "ftp://h/2" };
        static const char *const names[] = { "/tmp/1", "/tmp/2" };
        dosvc_file_list *list = NULL;

        assert_error(alice,
                     dosvc_job_add_file(alice, job_id, "http://h/", "relative", NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     dosvc_job_add_files(alice, job_id, remote, names, 2),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        ck_assert_int_eq(dosvc_job_list_files(alice, job_id, &list), 0);
        ck_assert_uint_eq(dosvc_file_list_size(list), 0);
        dosvc_file_list_free(list);
}
END_TEST

START_TEST(properties_are_written_and_read)
{
        static const char *const proxies[] = { "http://127.0.0.1:3128", NULL };
        static const char *const bypass[] = { "localhost", "*.example.com", NULL };
        dosvc_job_info *info;

        ck_assert_int_eq(dosvc_job_set_display_name(alice, job_id, "caf\xc3\xa9"), 0);
        ck_assert_int_eq(dosvc_job_set_description(alice, job_id, "about it"), 0);
        ck_assert_int_eq(dosvc_job_set_priority(alice, job_id, "high"), 0);
        ck_assert_int_eq(dosvc_job_set_proxy(alice, job_id, "override", proxies, bypass), 0);
        info = info_of(alice, job_id);
        ck_assert_str_eq(dosvc_job_info_id(info), job_id);
        ck_assert_uint_eq(dosvc_job_info_owner(info), USERS_ALICE_UID);
        ck_assert_str_eq(dosvc_job_info_type(info), "download");
        ck_assert_str_eq(dosvc_job_info_state(info), "suspended");
        ck_assert_str_ne(dosvc_job_info_status(info), "");
        ck_assert_str_eq(dosvc_job_info_display_name(info), "caf\xc3\xa9");
        ck_assert_str_eq(dosvc_job_info_description(info), "about it");
        ck_assert_str_eq(dosvc_job_info_priority(info), "high");
        ck_assert_str_eq(dosvc_job_info_proxy_usage(info), "override");
        ck_assert_str_eq(dosvc_job_info_proxies(info)[0], "http://127.0.0.1:3128");
        ck_assert_ptr_null(dosvc_job_info_proxies(info)[1]);
        ck_assert_str_eq(dosvc_job_info_proxy_bypass(info)[1], "*.example.com");
        ck_assert_uint_eq(dosvc_job_info_error_code(info), 0);
        ck_assert_str_eq(dosvc_job_info_error_name(info), "");
        ck_assert_int_eq((int) dosvc_job_info_error_file(info), -1);
        ck_assert_uint_gt(dosvc_job_info_creation_time(info), 0);
        ck_assert_uint_ge(dosvc_job_info_modification_time(info),
                          dosvc_job_info_creation_time(info));
        ck_assert_uint_eq(dosvc_job_info_transfer_completion_time(info), 0);
        ck_assert_uint_eq(dosvc_job_info_next_attempt_time(info), 0);
        dosvc_job_info_free(info);

        ck_assert_int_eq(dosvc_job_set_proxy(alice, job_id, "none", NULL, NULL), 0);
        info = info_of(alice, job_id);
        ck_assert_str_eq(dosvc_job_info_proxy_usage(info), "none");
        ck_assert_ptr_null(dosvc_job_info_proxies(info)[0]);
        ck_assert_ptr_null(dosvc_job_info_free(info));
        ck_assert_ptr_null(dosvc_job_info_free(NULL));
}
END_TEST

START_TEST(settings_are_written_and_read)
{
        static const char *const flags[] = { "ignore-unknown-ca", NULL };
        static const char *const unknown[] = { "ignore-all", NULL };
        static const char *const headers[] = { "X-Token: secret", "B: c", NULL };
        static const char *const own[] = { "Host: elsewhere", NULL };
        dosvc_job_info *info;
        char *text;

        ck_assert_int_eq(dosvc_job_set_redirect_policy(alice, job_id, "allow-report"), 0);
        ck_assert_int_eq(dosvc_job_set_redirect_policy(alice, job_id, "follow"), -EINVAL);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, job_id, flags), 0);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, job_id, unknown), -EOPNOTSUPP);
        ck_assert_int_eq(dosvc_job_set_ca_certificate(alice, job_id, "/own.pem"), 0);
        ck_assert_int_eq(dosvc_job_set_ticket_cache(alice, job_id, "KCM:"), 0);
        info = info_of(alice, job_id);
        ck_assert_str_eq(dosvc_job_info_redirect_policy(info), "allow-report");
        ck_assert_str_eq(dosvc_job_info_security_flags(info)[0], flags[0]);
        ck_assert_ptr_null(dosvc_job_info_security_flags(info)[1]);
        ck_assert_str_eq(dosvc_job_info_ca_certificate(info), "/own.pem");
        ck_assert_str_eq(dosvc_job_info_ticket_cache(info), "KCM:");
        dosvc_job_info_free(info);
        ck_assert_int_eq(dosvc_job_set_ca_certificate(alice, job_id, NULL), 0);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, job_id, NULL), 0);

        ck_assert_int_eq(dosvc_job_set_headers(alice, job_id, headers), 0);
        ck_assert_int_eq(dosvc_job_set_headers(alice, job_id, own), -EINVAL);
        ck_assert_int_eq(dosvc_job_get_headers(alice, job_id, &text), 0);
        ck_assert_str_eq(text, "X-Token: secret\nB: c\n");
        free(text);
        ck_assert_int_eq(dosvc_job_set_headers(alice, job_id, NULL), 0);
        ck_assert_int_eq(dosvc_job_get_headers(alice, job_id, &text), 0);
        ck_assert_str_eq(text, "");
        free(text);

        ck_assert_int_eq(dosvc_job_set_client_certificate(alice, job_id, "/c", "/k", "secret", 6),
                         0);
        ck_assert_int_eq(dosvc_job_set_client_certificate(alice, job_id, "c", NULL, NULL, 0),
                         -EINVAL);
        ck_assert_int_eq(dosvc_job_remove_client_certificate(alice, job_id), 1);
        ck_assert_int_eq(dosvc_job_remove_client_certificate(alice, job_id), 0);
}
END_TEST

START_TEST(bad_values_of_properties_are_refused)
{
        char text[1026];

        memset(text, 'x', 1025);
        text[1025] = '\0';
        assert_error(alice,
                     dosvc_job_set_description(alice, job_id, text),
                     -E2BIG,
                     ERROR("StringTooLong"));
        assert_error(alice,
                     dosvc_job_set_priority(alice, job_id, "urgent"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     dosvc_job_set_proxy(alice, job_id, "automatic", NULL, NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(bob,
                     dosvc_job_set_display_name(bob, job_id, "mine"),
                     -ENOENT,
                     DBUS_ERROR("UnknownObject"));
}
END_TEST

START_TEST(every_property_is_written_and_read_by_its_name)
{
        dosvc_values *settings = NULL;
        dosvc_job_info *info;
        uint64_t number = 0;

        ck_assert_int_eq(dosvc_job_set_number(alice, job_id, "MinimumRetryDelay", 30), 0);
        ck_assert_int_eq(dosvc_job_set_string(alice, job_id, "Description", "by name"), 0);
        info = info_of(alice, job_id);
        ck_assert_int_eq(dosvc_values_get_number(info, "MinimumRetryDelay", &number), 0);
        ck_assert_uint_eq(number, 30);
        ck_assert_int_eq(dosvc_values_get_number(info, "MaximumDownloadTime", &number), 0);
        ck_assert_uint_eq(number, 7776000);
        ck_assert_str_eq(dosvc_job_info_description(info), "by name");
        ck_assert_int_eq(dosvc_values_type(info, "CustomHeaders"), DOSVC_TYPE_NONE);
        dosvc_job_info_free(info);

        ck_assert_int_eq(dosvc_job_get_settings(alice, job_id, &settings), 0);
        ck_assert_int_eq(dosvc_values_type(settings, "NoProgressTimeout"), DOSVC_TYPE_NUMBER);
        ck_assert_int_eq(dosvc_values_type(settings, "SecurityFlags"), DOSVC_TYPE_STRINGS);
        ck_assert_int_eq(dosvc_values_type(settings, "State"), DOSVC_TYPE_NONE);
        dosvc_values_free(settings);
}
END_TEST

START_TEST(properties_that_cannot_be_written_so_say_why)
{
        assert_error(alice,
                     dosvc_job_set_number(alice, job_id, "Colour", 1),
                     -EBADR,
                     DBUS_ERROR("UnknownProperty"));
        assert_error(alice,
                     dosvc_job_set_string(alice, job_id, "State", "queued"),
                     -EROFS,
                     DBUS_ERROR("PropertyReadOnly"));
        assert_error(alice,
                     dosvc_job_set_string(alice, job_id, "MinimumRetryDelay", "30"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     dosvc_job_set_number(alice, job_id, "MaximumDownloadTime", 0),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(bob,
                     dosvc_job_set_number(bob, job_id, "MinimumRetryDelay", 30),
                     -ENOENT,
                     DBUS_ERROR("UnknownObject"));
}
END_TEST

START_TEST(a_job_is_made_with_its_properties_or_not_at_all)
{
        dosvc_values *options = dosvc_values_new();
        char other[DOSVC_ID_SIZE] = "unchanged";
        dosvc_job_info *info;
        uint64_t number;

        ck_assert_int_eq(dosvc_values_set_string(options, "Priority", "high"), 0);
        ck_assert_int_eq(dosvc_values_set_number(options, "MaximumDownloadTime", 0), 0);
        assert_error(alice,
                     dosvc_job_create_with(alice, "with", NULL, options, other),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        ck_assert_str_eq(other, "unchanged");
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
        ck_assert_int_eq(dosvc_values_set_number(options, "MaximumDownloadTime", 60), 0);
        ck_assert_int_eq(dosvc_job_create_with(alice, "with", NULL, options, other), 0);
        info = info_of(alice, other);
        ck_assert_str_eq(dosvc_job_info_priority(info), "high");
        ck_assert_int_eq(dosvc_values_get_number(info, "MaximumDownloadTime", &number), 0);
        ck_assert_uint_eq(number, 60);
        dosvc_job_info_free(info);
        assert_error(alice,
                     dosvc_job_create_with(alice, "with", "upload", options, other),
                     -EOPNOTSUPP,
                     ERROR("NotSupported"));
        dosvc_values_free(options);
}
END_TEST

/* Option sha256 of the empty file. */
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST(a_file_is_added_with_its_checksum_and_parts)
{
        dosvc_values *options = dosvc_values_new(), *file = NULL;
        uint64_t offset, length, restarts = 9;
        const char *text;

        ck_assert_int_eq(dosvc_values_set_string(options, "sha256", SHA256_OF_NOTHING), 0);
        ck_assert_int_eq(dosvc_values_add_range(options, "ranges", 0, 10), 0);
        ck_assert_int_eq(dosvc_values_add_range(options, "ranges", 20, DOSVC_UNKNOWN_SIZE), 0);
        ck_assert_int_eq(
                dosvc_job_add_file_with(alice, job_id, "http://h/a", "/tmp/a", options, NULL),
                0);
        ck_assert_int_eq(dosvc_file_get_info(alice, job_id, 0, &file), 0);
        ck_assert_int_eq(dosvc_values_get_string(file, "Checksum", &text), 0);
        ck_assert_str_eq(text, "sha256:" SHA256_OF_NOTHING);
        ck_assert_int_eq(dosvc_values_get_range(file, "Ranges", 1, &offset, &length), 1);
        ck_assert_uint_eq(offset, 20);
        ck_assert_uint_eq(length, DOSVC_UNKNOWN_SIZE);
        ck_assert_int_eq(dosvc_values_get_number(file, "Restarts", &restarts), 0);
        ck_assert_uint_eq(restarts, 0);
        ck_assert_int_eq(dosvc_values_get_string(file, "RestartReason", &text), 0);
        ck_assert_str_eq(text, "");
        dosvc_values_free(file);
        ck_assert_int_eq(dosvc_file_get_info(alice, job_id, 1, &file), -ENOENT);

        ck_assert_int_eq(dosvc_values_add_range(options, "ranges", 5, 6), 0);
        assert_error(alice,
                     dosvc_job_add_file_with(alice, job_id, "http://h/a", "/tmp/a", options, NULL),
                     -EOVERFLOW,
                     ERROR("OverlappingRanges"));
        dosvc_values_free(options);
        options = dosvc_values_new();
        ck_assert_int_eq(dosvc_values_set_string(options, "sha3", "00"), 0);
        assert_error(alice,
                     dosvc_job_add_file_with(alice, job_id, "http://h/a", "/tmp/a", options, NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        dosvc_values_free(options);
}
END_TEST

START_TEST(a_file_with_another_checksum_is_never_published)
{
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "small");
        dosvc_values *options = dosvc_values_new();
        dosvc_job_info *info;

        ck_assert_int_eq(dosvc_values_set_string(options, "sha256", SHA256_OF_NOTHING), 0);
        ck_assert_int_eq(dosvc_job_add_file_with(alice, job_id, url, local_file, options, NULL), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice, job_id, NULL, WAIT, NULL), -EREMOTEIO);
        info = info_of(alice, job_id);
        ck_assert_str_eq(dosvc_job_info_error_name(info), "validation-failed");
        dosvc_job_info_free(info);
        ck_assert_int_eq(dosvc_job_complete(alice, job_id), -EBADFD);
        ck_assert_int_eq(dosvc_job_complete_partial(alice, job_id), 1);
        ck_assert_int_ne(access(local_file, F_OK), 0);
        dosvc_values_free(options);
}
END_TEST

START_TEST(control_has_the_errors_of_the_contract)
{
        assert_error(alice, dosvc_job_resume(alice, job_id), -ENODATA, ERROR("Empty"));
        ck_assert_int_eq(dosvc_job_suspend(alice, job_id), 0);
        assert_error(alice,
                     dosvc_job_take_ownership(alice, job_id),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        ck_assert_int_eq(dosvc_job_take_ownership(root, job_id), 0);
        ck_assert_int_eq(dosvc_job_find(alice, job_id), -ENOENT);
        ck_assert_int_eq(dosvc_job_cancel(root, job_id), 0);
        ck_assert_int_eq(dosvc_job_find(root, job_id), -ENOENT);
}
END_TEST

/* -------------------------------------------------------------------- credentials */

START_TEST(credentials_are_set_and_removed_by_pair)
{
        ck_assert_int_eq(set_password("server", "basic", "u", "p"), 0);
        ck_assert_int_eq(set_password("proxy", "digest", "u", ""), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, job_id, "server", "digest"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, job_id, "server", "basic"), 1);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, job_id, "server", "basic"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, job_id, "proxy", "digest"), 1);
}
END_TEST

START_TEST(implicit_credentials_and_tokens_have_forms_of_their_own)
{
        ck_assert_int_eq(set_password("server", "negotiate", NULL, NULL), 0);
        ck_assert_int_eq(set_password("server", "ntlm", NULL, NULL), 0);
        ck_assert_int_eq(set_password("server", "bearer", NULL, "token"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, job_id, "server", "bearer"), 1);
        assert_error(alice,
                     set_password("server", "basic", NULL, NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set_password("server", "basic", "user", NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set_password("server", "ntlm", NULL, "password"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set_password("server", "bearer", "user", "token"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
}
END_TEST

START_TEST(each_bad_credential_has_its_error)
{
        _cleanup_free_ char *password = malloc(65538);
        char user[302];

        memset(user, 'u', 301);
        user[301] = '\0';
        memset(password, 'p', 65537);
        password[65537] = '\0';
        assert_error(alice,
                     set_password("printer", "basic", "u", "p"),
                     -EDESTADDRREQ,
                     ERROR("InvalidAuthTarget"));
        assert_error(alice,
                     set_password("server", "plain", "u", "p"),
                     -EPROTONOSUPPORT,
                     ERROR("InvalidAuthScheme"));
        assert_error(alice,
                     set_password("server", "basic", user, "p"),
                     -ENAMETOOLONG,
                     ERROR("UserNameTooLarge"));
        assert_error(alice,
                     set_password("server", "basic", "u", password),
                     -EMSGSIZE,
                     ERROR("PasswordTooLarge"));
        assert_error(alice,
                     set_password("server", "basic", "u:x", "p"),
                     -EILSEQ,
                     ERROR("InvalidCredentials"));
        assert_error(alice,
                     set_password("server", "basic", "u", "p\n"),
                     -EILSEQ,
                     ERROR("InvalidCredentials"));
        password[65536] = '\0';
        ck_assert_int_eq(set_password("server", "basic", "u", password), 0);
        assert_error(root,
                     dosvc_job_set_credentials(root, job_id, "server", "basic", "u", "p", 1),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        assert_error(root,
                     dosvc_job_remove_credentials(root, job_id, "server", "basic"),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
}
END_TEST

START_TEST(a_pipe_and_a_sealed_memory_file_carry_a_password)
{
        _cleanup_close_ int sealed = fd_new_sealed("test", "pw", 2), null = -EBADF;
        int pipe_fds[2];

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(write(pipe_fds[1], "pw", 2), 2);
        (void) close(pipe_fds[1]);
        ck_assert_int_eq(
                dosvc_job_set_credentials_fd(alice, job_id, "server", "basic", "u", pipe_fds[0]),
                0);
        (void) close(pipe_fds[0]);
        ck_assert_int_eq(
                dosvc_job_set_credentials_fd(alice, job_id, "server", "digest", "u", sealed),
                0);
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_lt(dosvc_job_set_credentials_fd(alice, job_id, "server", "digest", "u", null),
                         0);
}
END_TEST

START_TEST(a_protected_file_is_fetched_after_a_wrong_password_was_replaced)
{
        _cleanup_free_ char *original = servers_file("small"), *headers = NULL;
        const char *state;
        dosvc_job_info *info;

        add_file(SITE_BASIC, "small");
        ck_assert_int_eq(set_password("server", "basic", SERVERS_USER, "wrong"), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice, job_id, NULL, WAIT, NULL), -EREMOTEIO);
        info = info_of(alice, job_id);
        ck_assert_str_eq(dosvc_last_error_message(alice), dosvc_job_info_error_description(info));
        ck_assert_uint_eq(dosvc_job_info_error_code(info), 0x80190191);
        ck_assert_str_eq(dosvc_job_info_error_name(info), "http-401");
        ck_assert_str_eq(dosvc_job_info_error_context(info), "remote-file");
        ck_assert_str_ne(dosvc_job_info_error_description(info), "");
        ck_assert_int_eq((int) dosvc_job_info_error_file(info), 0);
        ck_assert_uint_eq(dosvc_job_info_error_count(info), 1);
        dosvc_job_info_free(info);

        ck_assert_int_eq(set_password("server", "basic", SERVERS_USER, SERVERS_PASSWORD), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice, job_id, NULL, WAIT, &state), 0);
        ck_assert_str_eq(state, "transferred");
        info = info_of(alice, job_id);
        ck_assert_uint_eq(dosvc_job_info_files_total(info), 1);
        ck_assert_uint_eq(dosvc_job_info_files_transferred(info), 1);
        ck_assert_uint_eq(dosvc_job_info_bytes_total(info), SERVERS_SMALL_BYTES);
        ck_assert_uint_eq(dosvc_job_info_bytes_transferred(info), SERVERS_SMALL_BYTES);
        ck_assert_uint_gt(dosvc_job_info_transfer_completion_time(info), 0);
        dosvc_job_info_free(info);
        ck_assert_int_eq(dosvc_file_get_response_headers(alice, job_id, 0, &headers), 0);
        ck_assert_ptr_nonnull(strcasestr(headers, "content-length: 65536"));
        ck_assert_int_eq(dosvc_file_get_response_headers(alice, job_id, 1, &headers), -ENOENT);

        ck_assert_int_eq(dosvc_job_complete(alice, job_id), 0);
        file_hash_assert_same(local_file, original);
        ck_assert_int_eq(dosvc_job_find(alice, job_id), -ENOENT);
}
END_TEST

START_TEST(complete_before_the_end_is_partial)
{
        add_file(SITE_SLOW, "medium");
        ck_assert_int_eq(dosvc_job_complete(alice, job_id), -EBADFD);
        ck_assert_int_eq(dosvc_job_complete_partial(alice, job_id), 1);
        ck_assert_int_ne(access(local_file, F_OK), 0);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("client");
        TCase *connection = client_case(suite, "connection");
        TCase *jobs = client_case(suite, "jobs");
        TCase *credentials = client_case(suite, "credentials");

        tcase_add_test(connection, without_a_connection_every_call_is_refused);
        tcase_add_test(connection, a_bus_that_is_not_there_is_an_error_of_open);
        tcase_add_test(connection, a_service_that_is_not_there_is_unreachable);
        tcase_add_test(connection, the_service_tells_what_it_is);

        tcase_add_test(jobs, a_job_is_found_by_its_id_and_by_its_owner_only);
        tcase_add_test(jobs, jobs_are_listed_with_what_the_list_says);
        tcase_add_test(jobs, lists_are_filtered_by_state_and_user);
        tcase_add_test(jobs, many_jobs_are_listed_whole);
        tcase_add_test(jobs, a_name_that_is_too_long_makes_no_job);
        tcase_add_test(jobs, files_are_added_and_listed_in_order);
        tcase_add_test(jobs, bad_files_are_refused_all_or_none);
        tcase_add_test(jobs, properties_are_written_and_read);
        tcase_add_test(jobs, settings_are_written_and_read);
        tcase_add_test(jobs, bad_values_of_properties_are_refused);
        tcase_add_test(jobs, every_property_is_written_and_read_by_its_name);
        tcase_add_test(jobs, properties_that_cannot_be_written_so_say_why);
        tcase_add_test(jobs, a_job_is_made_with_its_properties_or_not_at_all);
        tcase_add_test(jobs, a_file_is_added_with_its_checksum_and_parts);
        tcase_add_test(jobs, a_file_with_another_checksum_is_never_published);
        tcase_add_test(jobs, control_has_the_errors_of_the_contract);

        tcase_add_test(credentials, credentials_are_set_and_removed_by_pair);
        tcase_add_test(credentials, implicit_credentials_and_tokens_have_forms_of_their_own);
        tcase_add_test(credentials, each_bad_credential_has_its_error);
        tcase_add_test(credentials, a_pipe_and_a_sealed_memory_file_carry_a_password);
        tcase_add_test(credentials,
                       a_protected_file_is_fetched_after_a_wrong_password_was_replaced);
        tcase_add_test(credentials, complete_before_the_end_is_partial);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE);
}
