#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/str.h"

#include "manager/bus-edge.h"
#include "manager/manager-core.h"
#include "model/error-code.h"
#include "model/file-record.h"
#include "tests/lib/manager-fixture.h"
#include "tests/lib/manager-trial.h"
#include "tests/lib/no-memory.h"

/* ---- properties ------------------------------------------------------------------------------ */

static int name(Job *job)
{
        return set_text(&alice, job, SETTING_DISPLAY_NAME, "other");
}

static void undo_name(Job *job)
{
        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "name"), 0);
}

static bool is_done_name(Job *job)
{
        return str_equal(job->settings.display_name, "other");
}

static int proxies(Job *job)
{
        char one[] = "http://one:1", two[] = "http://two:2";
        char *list[] = { one, two, NULL };

        return set_proxies(&alice, job, PROXY_USAGE_OVERRIDE, list, list);
}

static void undo_proxies(Job *job)
{
        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_PRECONFIG, NULL, NULL), 0);
}

static bool is_done_proxies(Job *job)
{
        return job->settings.proxy_usage == PROXY_USAGE_OVERRIDE &&
               strings_count(job->settings.proxies) == 2;
}

static int span(Job *job)
{
        return set_number(&alice, job, SETTING_MINIMUM_RETRY_DELAY, 77);
}

static void undo_span(Job *job)
{
        ck_assert_int_eq(set_number(&alice, job, SETTING_MINIMUM_RETRY_DELAY, 60), 0);
}

static bool is_done_span(Job *job)
{
        return job->settings.minimum_retry_delay_sec == 77;
}

static int policy(Job *job)
{
        return set_number(&alice, job, SETTING_REDIRECT_POLICY, REDIRECT_POLICY_DISALLOW);
}

static void undo_policy(Job *job)
{
        ck_assert_int_eq(
                set_number(&alice, job, SETTING_REDIRECT_POLICY, REDIRECT_POLICY_ALLOW_SILENT),
                0);
}

static bool is_done_policy(Job *job)
{
        return job->settings.redirect_policy == REDIRECT_POLICY_DISALLOW;
}

static int flags(Job *job)
{
        return set_number(&alice, job, SETTING_SECURITY_FLAGS, 3);
}

static void undo_flags(Job *job)
{
        ck_assert_int_eq(set_number(&alice, job, SETTING_SECURITY_FLAGS, 0), 0);
}

static bool is_done_flags(Job *job)
{
        return job->settings.security_flags == 3;
}

static int authorities(Job *job)
{
        return set_text(&alice, job, SETTING_CA_CERTIFICATE, "/ca.pem");
}

static void undo_authorities(Job *job)
{
        ck_assert_int_eq(set_text(&alice, job, SETTING_CA_CERTIFICATE, ""), 0);
}

static bool is_done_authorities(Job *job)
{
        return str_equal(job->settings.ca_certificate, "/ca.pem");
}

static int cache(Job *job)
{
        return set_text(&alice, job, SETTING_TICKET_CACHE, "FILE:/cache");
}

static void undo_cache(Job *job)
{
        ck_assert_int_eq(set_text(&alice, job, SETTING_TICKET_CACHE, ""), 0);
}

static bool is_done_cache(Job *job)
{
        return str_equal(job->settings.ticket_cache, "FILE:/cache");
}

START_TEST(a_property_is_set_or_as_it_was)
{
        Job *job = make_job(1);

        TORTURE(job, name);
        TORTURE(job, proxies);
        TORTURE(job, span);
        TORTURE(job, policy);
        TORTURE(job, flags);
        TORTURE(job, authorities);
        TORTURE(job, cache);
}
END_TEST

static BusEdge edge; /* the bus edge, and the call that is answered */
static sd_bus_message *call;

/* Calls the verb and answers as a method handler does. */
static int name_with_answer(Job *job)
{
        int r = name(job);

        edge.manager = manager;
        return r < 0 ? r : bus_reply_saved(&edge, call, NULL);
}

#define undo_name_with_answer    undo_name
#define is_done_name_with_answer is_done_name

START_TEST(a_change_whose_answer_cannot_be_made_is_taken_back)
{
        sd_bus *bus = NULL;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(
                sd_bus_message_new_method_call(bus, &call, NULL, "/path", "an.interface", "Test"),
                0);
        ck_assert_int_ge(sd_bus_message_seal(call, 1, 0), 0);
        TORTURE(make_job(1), name_with_answer);
        call = sd_bus_message_unref(call);
        sd_bus_close_unref(bus);
        (void) close(pair[1]);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static int files(Job *job)
{
        static const FileRange ranges[] = { { 0, 5 }, { 10, 5 } };
        static const ManagerFile more[] = {
                { .remote_name = "http://host/x", .local_name = "/dir/x", .checksum = "md5:00" },
                { .remote_name = "http://host/y",
                  .local_name = "/dir/y",
                  .ranges = ranges,
                  .n_ranges = ARRAY_SIZE(ranges) },
        };
        uint32_t first;

        return manager_add_files(manager, &alice, job, more, ARRAY_SIZE(more), &first);
}

/* Files cannot be removed, so the next run gets another job. */
static bool is_done_files(Job *job)
{
        return job->n_files == 3;
}

static Job **files_of;

static void undo_files(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        *files_of = make_job(1);
}

START_TEST(files_are_added_all_or_none)
{
        Trial trial = { .job = make_job(1),
                        .verb = files,
                        .undo = undo_files,
                        .is_done = is_done_files };

        files_of = &trial.job;
        manager_trial_run("files", &trial);
}
END_TEST

static int rename_files(Job *job)
{
        static const ManagerRename renames[] = { { .index = 0, .remote_name = "http://other/a" },
                                                 { .index = 1, .remote_name = "http://other/b" } };

        return manager_set_remote_names(manager, &alice, job, renames, ARRAY_SIZE(renames));
}

static void undo_rename_files(Job *job)
{
        static const ManagerRename renames[] = { { .index = 0, .remote_name = "http://host/a" },
                                                 { .index = 1, .remote_name = "http://host/b" } };

        ck_assert_int_eq(manager_set_remote_names(manager, &alice, job, renames, 2), 0);
}

static bool is_done_rename_files(Job *job)
{
        bool first = str_equal(job->files[0].record.remote_name, "http://other/a");

        ck_assert_int_eq(first, str_equal(job->files[1].record.remote_name, "http://other/b"));
        return first;
}

START_TEST(files_have_other_remote_names_all_or_none)
{
        TORTURE(make_job(2), rename_files);
}
END_TEST

/* ---- credentials ----------------------------------------------------------------------------- */

static Secret *password; /* set by each test */

static int credentials(Job *job)
{
        return manager_set_credentials(manager,
                                       &alice,
                                       job,
                                       AUTH_TARGET_SERVER,
                                       AUTH_SCHEME_BASIC,
                                       "user",
                                       password);
}

static ManagerLogin login(void)
{
        return (ManagerLogin){ "reader", password };
}

static int rename_with_login(Job *job)
{
        const ManagerRename renames[] = { { 0, "http://other/a", login() },
                                          { 1, "http://other/b", login() } };

        return manager_set_remote_names(manager, &alice, job, renames, ARRAY_SIZE(renames));
}

static bool is_done_rename_with_login(Job *job)
{
        bool renamed = is_done_rename_files(job);

        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), renamed);
        ck_assert_int_eq(renamed, job->vault_bytes > 0);
        return renamed;
}

static void undo_rename_with_login(Job *job)
{
        undo_rename_files(job);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         1);
}

static int add_with_login(Job *job)
{
        const ManagerFile file = { .remote_name = "http://other/x",
                                   .login = login(),
                                   .local_name = "/dir/x" };
        uint32_t first;

        return manager_add_files(manager, &alice, job, &file, 1, &first);
}

static bool is_done_add_with_login(Job *job)
{
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), job->n_files - 1);
        return job->n_files == 2;
}

static bool is_done_credentials(Job *job)
{
        int set = (int) count_slots(job, AUTH_TARGET_SERVER);

        ck_assert_int_eq(set, job->vault_bytes > 0);
        ck_assert_uint_eq(job->owner->vault_bytes, job->vault_bytes);
        return set;
}

static void undo_credentials(Job *job)
{
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         1);
}

static int no_credentials(Job *job)
{
        return manager_remove_credentials(manager,
                                          &alice,
                                          job,
                                          AUTH_TARGET_SERVER,
                                          AUTH_SCHEME_BASIC);
}

static bool is_done_no_credentials(Job *job)
{
        return !is_done_credentials(job);
}

static void undo_no_credentials(Job *job)
{
        ck_assert_int_eq(credentials(job), 0);
}

START_TEST(a_credential_is_set_or_not_and_removed_or_not)
{
        Job *job = make_job(1);

        ck_assert_int_eq(secret_new_copy("secret", 6, &password), 0);
        TORTURE(job, credentials);
        ck_assert_int_eq(credentials(job), 0);
        run_loop();
        TORTURE(job, no_credentials);
        password = secret_free(password);
}
END_TEST

START_TEST(a_login_is_kept_with_its_file_or_neither)
{
        Trial trial = { .verb = add_with_login,
                        .undo = undo_files,
                        .is_done = is_done_add_with_login };

        ck_assert_int_eq(secret_new_copy("secret", 6, &password), 0);
        trial.job = make_job(1);
        files_of = &trial.job;
        manager_trial_run("add_with_login", &trial);
        TORTURE(make_job(2), rename_with_login);
        password = secret_free(password);
}
END_TEST

/* ---- secrets of the settings ----------------------------------------------------------------- */

static void check_share(const Job *job)
{
        ck_assert_int_eq(job->sealed != 0, job->vault_bytes > 0);
        ck_assert_uint_eq(job->owner->vault_bytes, job->vault_bytes);
}

static int headers(Job *job)
{
        return manager_set_headers(manager, &alice, job, password);
}

static bool is_done_headers(Job *job)
{
        Secret *lines = NULL;
        bool set;

        ck_assert_int_eq(manager_get_headers(manager, &alice, job, &lines), 0);
        set = lines;
        ck_assert_int_eq(set, (job->sealed & 1U << VAULT_HEADERS) != 0);
        check_share(job);
        secret_free(lines);
        return set;
}

static void undo_headers(Job *job)
{
        ck_assert_int_ge(manager_set_headers(manager, &alice, job, NULL), 0);
}

static int no_headers(Job *job)
{
        return manager_set_headers(manager, &alice, job, NULL);
}

static bool is_done_no_headers(Job *job)
{
        return !is_done_headers(job);
}

static void undo_no_headers(Job *job)
{
        ck_assert_int_ge(headers(job), 0);
}

static int certificate(Job *job)
{
        return manager_set_client_certificate(manager, &alice, job, "/crt", "/key", password);
}

/* Paths and password are set together or not at all. */
static bool is_done_certificate(Job *job)
{
        bool set = job->settings.client_certificate;

        ck_assert_int_eq(set, job->settings.client_key != NULL);
        ck_assert_int_eq(set, (job->sealed & 1U << VAULT_KEY_PASSWORD) != 0);
        check_share(job);
        return set;
}

static void undo_certificate(Job *job)
{
        ck_assert_int_eq(manager_remove_client_certificate(manager, &alice, job), 1);
}

static int no_certificate(Job *job)
{
        return manager_remove_client_certificate(manager, &alice, job);
}

static bool is_done_no_certificate(Job *job)
{
        return !is_done_certificate(job);
}

static void undo_no_certificate(Job *job)
{
        ck_assert_int_ge(certificate(job), 0);
}

START_TEST(headers_and_a_certificate_are_set_or_not_and_removed_or_not)
{
        Job *job = make_job(1);

        ck_assert_int_eq(secret_new_copy("A: b\n", 5, &password), 0);
        TORTURE(job, headers);
        TORTURE(job, certificate);
        ck_assert_int_ge(headers(job), 0);
        run_loop();
        TORTURE(job, no_headers);
        ck_assert_int_ge(manager_set_headers(manager, &alice, job, NULL), 0);
        ck_assert_int_ge(certificate(job), 0);
        run_loop();
        TORTURE(job, no_certificate);
        password = secret_free(password);
}
END_TEST

/* ---- the life of a job ----------------------------------------------------------------------- */

static Job *created;

static int new_job(Job *job)
{
        created = NULL;
        return manager_create_job(manager, &bob, "name", &created);
}

static bool is_done_new_job(Job *job)
{
        const Owner *owner = owners_find(&owners, bob.uid);

        ck_assert_uint_eq(job_table_count(&manager->table), owner ? 2 : 1);
        return owner;
}

static void undo_new_job(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &bob, created, on_done, NULL), 0);
}

START_TEST(a_job_is_made_or_not)
{
        TORTURE(make_job(1), new_job);
}
END_TEST

static int resume_job(Job *job)
{
        return manager_resume(manager, &alice, job);
}

/* If the change was saved, a worker is there or is started later. */
static bool is_done_resume_job(Job *job)
{
        if (job->state == JOB_SUSPENDED)
                return false;
        for (int i = 0; i < 4 && !fake_link_of(job->id); i++)
                manager_trial_expire_timers();
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_ptr_nonnull(fake_link_of(job->id));
        ck_assert(is_waiting(job)); /* for the end of its MaximumDownloadTime */
        return true;
}

static Job **resumed_of;

/* The worker succeeds, whatever failed before it was started. */
static void end_resumed_job(Job *job)
{
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        fake_link_end(worker_of(job), 0, "");
        run_loop();
}

static void undo_resume_job(Job *job)
{
        end_resumed_job(job);
        *resumed_of = make_job(1);
}

START_TEST(a_job_that_is_resumed_gets_its_worker_when_there_is_memory)
{
        Trial trial = { .job = make_job(1),
                        .verb = resume_job,
                        .undo = undo_resume_job,
                        .is_done = is_done_resume_job };

        resumed_of = &trial.job;
        manager_trial_run("resume_job", &trial);
}
END_TEST

static int suspend_job(Job *job)
{
        return manager_suspend(manager, &alice, job);
}

static bool is_done_suspend_job(Job *job)
{
        ck_assert(job->state == JOB_SUSPENDED || job_is_active(job));
        ck_assert_int_eq(worker_of(job)->stopped, job->state == JOB_SUSPENDED);
        return job->state == JOB_SUSPENDED;
}

static void undo_suspend_job(Job *job)
{
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
}

START_TEST(a_job_is_suspended_or_runs_on)
{
        TORTURE(make_connecting(1), suspend_job);
}
END_TEST

/* A job with a secret of each kind. */
static Job *make_with_settings(void)
{
        Job *job = make_job(1);

        ck_assert_int_ge(headers(job), 0);
        ck_assert_int_ge(certificate(job), 0);
        run_loop();
        return job;
}

static void undo_resume_with_settings(Job *job)
{
        ck_assert_ptr_nonnull(worker_of(job)->settings.headers);
        ck_assert_ptr_nonnull(worker_of(job)->settings.key_password);
        end_resumed_job(job);
        *resumed_of = make_with_settings();
}

START_TEST(a_worker_gets_the_secrets_of_the_settings_or_comes_later)
{
        Trial trial = { .verb = resume_job,
                        .undo = undo_resume_with_settings,
                        .is_done = is_done_resume_job };

        ck_assert_int_eq(secret_new_copy("A: b\n", 5, &password), 0);
        trial.job = make_with_settings();
        resumed_of = &trial.job;
        manager_trial_run("resume_with_settings", &trial);
        password = secret_free(password);
}
END_TEST

static int take_job(Job *job)
{
        return manager_take_ownership(manager, &root, job);
}

static bool is_done_take_job(Job *job)
{
        ck_assert(str_equal(job->owner->name, "root") || str_equal(job->owner->name, "alice"));
        ck_assert_ptr_eq(owners_find(&owners, job->owner->uid), job->owner);
        ck_assert_uint_eq(job->owner->n_jobs, 1);
        ck_assert_int_eq(job->vault_bytes > 0, job->owner->uid == alice.uid);
        return job->owner->uid == root.uid;
}

static Job **taken_of;

static Job *make_with_credentials(void)
{
        Job *job = make_job(1);

        ck_assert_int_eq(credentials(job), 0);
        run_loop();
        return job;
}

static void undo_take_job(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &root, job, on_done, NULL), 0);
        run_loop();
        *taken_of = make_with_credentials();
}

START_TEST(ownership_is_taken_with_all_or_not)
{
        Trial trial = { .verb = take_job, .undo = undo_take_job, .is_done = is_done_take_job };

        ck_assert_int_eq(secret_new_copy("secret", 6, &password), 0);
        trial.job = make_with_credentials();
        taken_of = &trial.job;
        manager_trial_run("take_job", &trial);
        password = secret_free(password);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("no-memory-manager");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "verbs",
                          a_property_is_set_or_as_it_was,
                          a_change_whose_answer_cannot_be_made_is_taken_back,
                          files_are_added_all_or_none,
                          files_have_other_remote_names_all_or_none,
                          a_credential_is_set_or_not_and_removed_or_not,
                          a_login_is_kept_with_its_file_or_neither,
                          headers_and_a_certificate_are_set_or_not_and_removed_or_not,
                          a_worker_gets_the_secrets_of_the_settings_or_comes_later,
                          a_job_is_made_or_not,
                          a_job_that_is_resumed_gets_its_worker_when_there_is_memory,
                          a_job_is_suspended_or_runs_on,
                          ownership_is_taken_with_all_or_not);
        log_set_max_level(LOG_EMERG);
        no_memory_set_up();
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
