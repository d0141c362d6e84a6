#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/credentials.h"
#include "model/error-code.h"
#include "model/limits.h"
#include "tests/lib/manager-fixture.h"

/* Creating and looking ------------------------------------------------------------------------- */

START_TEST(quotas_are_kept)
{
        Job *job = NULL;

        config.max_jobs_per_user = 2;
        config.max_jobs = 5;
        (void) create(&alice);
        (void) create(&alice);
        ck_assert_int_eq(manager_create_job(manager, &alice, "", &job), -EUSERS);
        (void) create(&bob);
        (void) create(&root);
        (void) create(&root);
        ck_assert_int_eq(manager_create_job(manager, &root, "", &job), -EUSERS);
        ck_assert_int_eq(manager_create_job(manager, &bob, "", &job), -EUSERS);
        ck_assert_ptr_null(job);
        run_loop();
        check_event_log("new new new new new ");
}
END_TEST

START_TEST(roots_jobs_are_not_limited_per_user)
{
        config.max_jobs_per_user = 1;
        (void) create(&root);
        (void) create(&root);
}
END_TEST

START_TEST(files_are_added_all_or_none)
{
        static const ManagerFile files[11] = {
                { .remote_name = "http://host/1", .local_name = "/1" },
                { .remote_name = "http://host/2", .local_name = "/2" },
                { .remote_name = "http://host/3", .local_name = "/3" },
                { .remote_name = "http://host/4", .local_name = "/4" },
                { .remote_name = "http://host/5", .local_name = "/5" },
                { .remote_name = "http://host/6", .local_name = "/6" },
                { .remote_name = "http://host/7", .local_name = "/7" },
                { .remote_name = "http://host/8", .local_name = "/8" },
                { .remote_name = "http://host/9", .local_name = "/9" },
                { .remote_name = "http://host/10", .local_name = "/10" },
                { .remote_name = "http://host/11", .local_name = "/11" },
        };
        Job *job = make_job(0);
        uint32_t first = 4711;

        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 6, &first), 0);
        ck_assert_uint_eq(first, 0);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &files[6], 5, &first), -EMFILE);
        ck_assert_uint_eq(job->n_files, 6);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &files[6], 4, &first), 0);
        ck_assert_uint_eq(first, 6);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &files[10], 1, &first), -EMFILE);
}
END_TEST

START_TEST(files_with_one_local_name_are_found_wherever_they_are)
{
        static const ManagerFile files[] = {
                { .remote_name = "http://host/1", .local_name = "/c" },
                { .remote_name = "http://host/2", .local_name = "/a" },
                { .remote_name = "http://host/3", .local_name = "/b" },
                { .remote_name = "http://host/4", .local_name = "/a" },
        };
        ManagerClash clash = { 4711, 4711 };
        Job *job = make_job(0);
        uint32_t first = 4711;

        ck_assert_int_eq(manager_find_clash(job, files, 3, &clash), 0);
        ck_assert_int_eq(manager_find_clash(job, files, 4, &clash), 1);
        ck_assert_uint_eq(clash.file, 3);
        ck_assert_uint_eq(clash.other, 1);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 4, &first), -EEXIST);
        ck_assert_uint_eq(job->n_files, 0);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 2, &first), 0);
        ck_assert_int_eq(manager_find_clash(job, &files[2], 2, &clash), 1);
        ck_assert_uint_eq(clash.file, 1);
        ck_assert_uint_eq(clash.other, 1);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &files[2], 2, &first), -EEXIST);
        ck_assert_uint_eq(job->n_files, 2);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &files[2], 1, &first), 0);
}
END_TEST

/* Comparing each with each would take minutes. */
START_TEST(a_hundred_thousand_local_names_are_compared_quickly)
{
        enum { N = 100000 };
        ManagerFile *files = calloc(2 * N, sizeof(*files));
        char(*names)[16] = calloc(2 * N, sizeof(*names));
        uint64_t began = clock_boottime(&clock_system);
        ManagerClash clash;
        Job *job = make_job(0);

        ck_assert(files && names);
        for (int i = 0; i < 2 * N; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "/dir/%d", 2 * N - i);
                files[i].local_name = names[i];
        }
        for (int i = 0; i < N; i++)
                ck_assert_int_eq(job_add_file(job, "", names[i]), i);
        ck_assert_int_eq(manager_find_clash(job, &files[N], N, &clash), 0);
        ck_assert_uint_lt(clock_boottime(&clock_system) - began, 5 * USEC_PER_SEC);
        job_truncate_files(job, 0);
        ck_assert_uint_lt(clock_boottime(&clock_system) - began, 5 * USEC_PER_SEC);
        free(files);
        free(names);
}
END_TEST

START_TEST(a_limit_below_what_a_job_has_refuses_more_files)
{
        static const ManagerFile file = { .remote_name = "http://host/1", .local_name = "/1" };
        Job *job = make_job(3);
        uint32_t first = 4711;

        config.max_files_per_job = 2;
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), -EMFILE);
        ck_assert_uint_eq(job->n_files, 3);
        resume(job);
        check_event_log("queued connecting ");
}
END_TEST

START_TEST(who_may_own_no_job_creates_none)
{
        static const struct {
                Caller caller;
                int64_t only_uid;
        } cases[] = {
                { { .uid = 1000, .user_name = NULL }, -1 },
                { { .uid = 65534, .user_name = "nobody" }, -1 },
                { { .uid = 61184, .user_name = "dynamic" }, -1 },
                { { .uid = UINT32_MAX, .user_name = "none" }, -1 },
                { { .uid = 1001, .user_name = "bob" }, 1000 },
                { { .uid = 0, .user_name = "root" }, 1000 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = NULL;

                manager = manager_free(manager);
                new_manager(cases[i].only_uid);
                ck_assert_int_eq(manager_create_job(manager, &cases[i].caller, "", &job), -EPERM);
                ck_assert_ptr_null(job);
        }
        (void) create(&alice);
        run_loop();
        check_event_log("new ");
}
END_TEST

START_TEST(a_uid_under_a_new_name_owns_nothing_here)
{
        const Caller renamed = { .uid = 1000, .user_name = "mallory" };
        Job *job = NULL;

        (void) create(&alice);
        ck_assert_int_eq(manager_create_job(manager, &renamed, "", &job), -EPERM);
}
END_TEST

static int count_job(void *userdata, Job *job)
{
        unsigned *n = userdata;

        return ++*n == 100;
}

static unsigned count_jobs(const Caller *caller, bool all_users)
{
        unsigned n = 0;
        int r = manager_each_job(manager, caller, all_users, count_job, &n);

        ck_assert_int_eq(r, r < 0 ? -EACCES : 0);
        return r < 0 ? 4711 : n;
}

START_TEST(a_caller_sees_what_policy_lets_him)
{
        Job *job = create(&alice), *found = NULL;

        (void) create(&alice);
        (void) create(&bob);
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &alice, job->id, &found), 0);
        ck_assert_ptr_eq(found, job);
        ck_assert_int_eq(manager_find_job(manager, &root, job->id, &found), 0);
        ck_assert_int_eq(manager_find_job(manager, &bob, job->id, &found), -ENOENT);
        ck_assert_int_eq(manager_find_job(manager, &root, (sd_id128_t){ .bytes = { 1 } }, &found),
                         -ENOENT);
        ck_assert_uint_eq(count_jobs(&alice, false), 2);
        ck_assert_uint_eq(count_jobs(&bob, false), 1);
        ck_assert_uint_eq(count_jobs(&root, false), 0);
        ck_assert_uint_eq(count_jobs(&root, true), 3);
        ck_assert_uint_eq(count_jobs(&alice, true), 4711);
}
END_TEST

START_TEST(every_verb_asks_policy_first)
{
        Job *job = make_job(1);
        static const ManagerFile file = { .remote_name = "http://host/x", .local_name = "/dir/x" };
        uint32_t first;

        ck_assert_int_eq(manager_add_files(manager, &bob, job, &file, 1, &first), -ENOENT);
        ck_assert_int_eq(manager_add_files(manager, &root, job, &file, 1, &first), -EACCES);
        ck_assert_int_eq(manager_resume(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(manager_suspend(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(manager_cancel(manager, &bob, job, on_done, NULL), -ENOENT);
        ck_assert_int_eq(manager_complete(manager, &bob, job, on_done, NULL), -ENOENT);
        ck_assert_int_eq(manager_complete(manager, &root, job, on_done, NULL), -EACCES);
        ck_assert_int_eq(manager_take_ownership(manager, &alice, job), -EACCES);
        ck_assert_int_eq(manager_take_ownership(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(set_text(&root, job, SETTING_DISPLAY_NAME, "x"), -EACCES);
        ck_assert_int_eq(set_text(&bob, job, SETTING_DESCRIPTION, "x"), -ENOENT);
        ck_assert_int_eq(set_number(&bob, job, SETTING_PRIORITY, PRIORITY_LOW), -ENOENT);
        ck_assert_int_eq(set_proxies(&root, job, PROXY_USAGE_NONE, NULL, NULL), -EACCES);
        ck_assert_int_eq(manager_set_credentials(manager,
                                                 &root,
                                                 job,
                                                 AUTH_TARGET_SERVER,
                                                 AUTH_SCHEME_BASIC,
                                                 NULL,
                                                 NULL),
                         -EACCES);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &bob,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         -ENOENT);
        run_loop();
        check_event_log("");
        ck_assert(!store_is_dirty(store));
}
END_TEST

/* Credentials --------------------------------------------------------------------------------- */

#define BASIC     (1U << AUTH_SCHEME_BASIC)
#define DIGEST    (1U << AUTH_SCHEME_DIGEST)
#define NEGOTIATE (1U << AUTH_SCHEME_NEGOTIATE)

/* The password that the worker gets, or "" if none. */
static const char *ask(Job *job, uint32_t file, AuthTarget target, unsigned offered)
{
        WorkerLink *link = worker_of(job);
        static char password[64];
        Credential credential = { 0 };
        int r = answers_authenticate(link->answers, file, target, offered, &credential);

        ck_assert_int_eq(r, r < 0 ? -ENOENT : 0);
        if (r < 0)
                return "";
        ck_assert_str_eq(credential.user_name, "user");
        (void) snprintf(password, sizeof(password), "%s", secret_data(credential.secret));
        credential_done(&credential);
        return password;
}

START_TEST(the_strongest_that_is_offered_and_set_is_chosen)
{
        static const struct {
                unsigned offered;
                const char *chosen;
        } cases[] = {
                { BASIC | DIGEST, "digest" },
                { BASIC | DIGEST | NEGOTIATE, "digest" },
                { BASIC, "basic" },
                { DIGEST, "digest" },
                { NEGOTIATE, "" },
                { 0, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_job(1);

                ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"),
                                 0);
                ck_assert_int_eq(
                        set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "digest"),
                        0);
                ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "proxy"),
                                 0);
                resume(job);
                ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, cases[i].offered),
                                 cases[i].chosen);
                ck_assert_str_eq(ask(job, 0, AUTH_TARGET_PROXY, BASIC | DIGEST), "proxy");
        }
}
END_TEST

START_TEST(a_credential_that_was_refused_is_not_given_again)
{
        Job *job = make_job(2);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "digest"), 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST), "digest");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST | BASIC), "");
        ck_assert_str_eq(ask(job, 1, AUTH_TARGET_SERVER, BASIC), "basic"); /* another request */
        ck_assert_str_eq(ask(job, 2, AUTH_TARGET_SERVER, BASIC),
                         ""); /* the worker has no such file */
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(401), 0);
        run_loop();

        /* The owner sets another one. */
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "other"), 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST), "other");
}
END_TEST

START_TEST(a_scheme_that_the_worker_cannot_use_is_followed_by_the_next)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_NEGOTIATE, "ticket"), 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, NEGOTIATE | BASIC), "ticket");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "basic");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, NEGOTIATE), "");
}
END_TEST

START_TEST(a_worker_that_is_stopping_gets_no_credential)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        resume(job);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
}
END_TEST

START_TEST(a_removed_credential_is_gone)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        run_loop();
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), 1);
        ck_assert_uint_gt(job->vault_bytes, 0);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         1);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         0);
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), 0);
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
}
END_TEST

START_TEST(a_failed_batch_puts_credentials_back)
{
        Job *job = make_job(1);
        uint64_t bytes;

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "first"), 0);
        run_loop();
        bytes = job->vault_bytes;
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "second..."), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "third"), 0);
        ck_assert_uint_gt(job->vault_bytes, bytes);
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(job->owner->vault_bytes, bytes);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC | DIGEST), "first");
}
END_TEST

START_TEST(an_owners_share_of_the_vault_is_limited)
{
        Job *job = make_job(1);

        job->owner->vault_bytes = LIMIT_VAULT_BYTES_PER_OWNER - 60;
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "a"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "a"), -ENOBUFS);
        run_loop();
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_PROXY), 0);
}
END_TEST

/* The user info of a URL that was added, or is the new name of a file. */
static int use_url(Job *job, bool rename, const char *local_name, const char *password)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        ManagerLogin login = { .user_name = "user" };
        uint32_t first;

        ck_assert_int_eq(secret_new_copy(password, strlen(password), &secret), 0);
        login.password = secret;
        if (rename)
                return manager_set_remote_names(manager,
                                                &alice,
                                                job,
                                                &(ManagerRename){ 0, "http://other/a", login },
                                                1);
        return manager_add_files(manager,
                                 &alice,
                                 job,
                                 &(ManagerFile){ .remote_name = "http://host/x",
                                                 .login = login,
                                                 .local_name = local_name },
                                 1,
                                 &first);
}

START_TEST(the_first_login_of_a_url_becomes_credentials)
{
        for (int rename = 0; rename < 2; rename++) {
                Job *job = make_job(1);

                ck_assert_int_eq(use_url(job, rename, "/dir/x", "first"), 0);
                ck_assert_int_eq(use_url(job, rename, "/dir/y", "second"), 0);
                run_loop();
                resume(job);
                ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "first");
        }
}
END_TEST

START_TEST(a_login_is_kept_only_together_with_its_file)
{
        Job *job = make_job(1);

        config.max_files_per_job = 1;
        ck_assert_int_eq(use_url(job, false, "/dir/x", "password"), -EMFILE);
        run_loop();
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), 0);

        config.max_files_per_job = 2;
        for (int rename = 0; rename < 2; rename++) {
                ck_assert_int_eq(use_url(job, rename, "/dir/x", "password"), 0);
                store_fail(store, -ENOSPC);
                run_loop();
                ck_assert_uint_eq(job->n_files, 1);
                ck_assert_str_eq(job->files[0].record.remote_name, "http://host/a");
                ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), 0);
                ck_assert_uint_eq(job->owner->vault_bytes, 0);
        }

        /* And the file only together with its login. */
        job->owner->vault_bytes = LIMIT_VAULT_BYTES_PER_OWNER;
        for (int rename = 0; rename < 2; rename++)
                ck_assert_int_eq(use_url(job, rename, "/dir/x", "password"), -ENOBUFS);
        run_loop();
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_str_eq(job->files[0].record.remote_name, "http://host/a");
        job->owner->vault_bytes = 0;
}
END_TEST

START_TEST(a_credential_that_cannot_be_opened_is_reported)
{
        Job *job = make_job(1);
        const VaultRow damaged = { .sealed = (uint8_t[40]){ 1 }, .sealed_size = 40 };
        uint64_t replaced;

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_SERVER,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "user",
                                        &damaged,
                                        &replaced),
                         0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(401), 0);
        run_loop();
        ck_assert(job->credentials_lost);
        ck_assert_ptr_nonnull(strstr(job->error.description, "credentials were lost"));
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "new"), 0);
        ck_assert(!job->credentials_lost);
}
END_TEST

/* TakeOwnership ------------------------------------------------------------------------------- */

START_TEST(take_ownership_wipes_credentials)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, "proxy"), 0);
        run_loop();
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        run_loop();
        check_event_log("owner=root ");
        ck_assert_uint_eq(job->owner->uid, 0);
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_SERVER), 0);
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_PROXY), 0);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENOENT);
        ck_assert_int_eq(manager_resume(manager, &root, job), 0);
        run_loop();
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
}
END_TEST

START_TEST(take_ownership_takes_back_what_is_the_owners)
{
        Owners others = { 0 };
        Owner *owner;
        Job *job = make_job(1), *saved = NULL;

        ck_assert_int_eq(set_text(&alice, job, SETTING_TICKET_CACHE, "KCM:1000"), 0);
        ck_assert_int_eq(set_text(&alice, job, SETTING_CA_CERTIFICATE, "/ca.pem"), 0);
        ck_assert_int_eq(manager_set_client_certificate(manager, &alice, job, "/crt", "/key", NULL),
                         0);
        run_loop();
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        run_loop();
        ck_assert_ptr_null(job->settings.ticket_cache);
        ck_assert_int_eq(store_load_job(store, &others, job->id, &saved), 0);
        ck_assert_ptr_null(saved->settings.ticket_cache);
        ck_assert_ptr_null(saved->settings.client_certificate);
        ck_assert_ptr_null(saved->settings.client_key);
        ck_assert_str_eq(saved->settings.ca_certificate, "/ca.pem");
        owner = saved->owner;
        job_free(saved);
        owners_release(&others, owner);
}
END_TEST

START_TEST(a_taken_job_gets_a_worker_of_its_new_owner)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        run_loop();
        check_event_log("queued owner=root ");
        ck_assert(worker_of(job)->stopped);
        ck_assert_uint_eq(worker_of(job)->owner_uid, alice.uid);
        ck_assert_uint_eq(owners_find(&owners, alice.uid)->shares[SCHEDULER_DOWNLOADS].n_active, 1);
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        check_event_log("connecting ");
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 1);
}
END_TEST

START_TEST(the_worker_of_the_owner_before_gets_no_credential_of_the_next)
{
        Job *job = make_transferring(1);
        Secret *secret = NULL;

        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        ck_assert_int_eq(secret_new_copy("roots", 5, &secret), 0);
        ck_assert_int_eq(manager_set_credentials(manager,
                                                 &root,
                                                 job,
                                                 AUTH_TARGET_SERVER,
                                                 AUTH_SCHEME_BASIC,
                                                 "user",
                                                 secret),
                         0);
        secret_free(secret);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), ""); /* not halted yet */
        run_loop();
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "roots");
}
END_TEST

START_TEST(a_taken_job_waits_in_the_queue_of_its_new_owner)
{
        Job *job;

        manager = manager_free(manager);
        config.max_active_jobs_per_user = 1;
        new_manager(-1);
        (void) make_connecting(1);
        job = make_job(1);
        resume(job);
        check_event_log("queued ");
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        run_loop();
        check_event_log("owner=root connecting ");
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
}
END_TEST

START_TEST(a_taking_that_cannot_be_saved_is_taken_back)
{
        static Job *(*const makers[])(size_t) = { make_job, make_transferring };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                uint64_t bytes, all;

                ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "x"), 0);
                run_loop();
                event_log[0] = '\0';
                bytes = job->vault_bytes;
                all = job->owner->vault_bytes;

                ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
                store_fail(store, -ENOSPC);
                run_loop();
                ck_assert_uint_eq(job->owner->uid, alice.uid);
                ck_assert_uint_eq(job->vault_bytes, bytes);
                ck_assert_uint_eq(job->owner->vault_bytes, all);
                ck_assert_ptr_null(owners_find(&owners, 0));

                store_fail(store, -ENOSPC);
                ck_assert_int_eq(manager_take_ownership(manager, &root, job), -ENOSPC);
                run_loop();
                ck_assert_uint_eq(job->owner->uid, alice.uid);
                ck_assert_uint_eq(job->vault_bytes, bytes);
                ck_assert_uint_eq(job->owner->vault_bytes, all);
                ck_assert_ptr_null(owners_find(&owners, 0));
                check_event_log("");
                ck_assert(!job->work.run || !worker_of(job)->stopped);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("manager-verbs");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "creating and looking",
                          quotas_are_kept,
                          roots_jobs_are_not_limited_per_user,
                          files_are_added_all_or_none,
                          a_limit_below_what_a_job_has_refuses_more_files,
                          files_with_one_local_name_are_found_wherever_they_are,
                          a_hundred_thousand_local_names_are_compared_quickly,
                          who_may_own_no_job_creates_none,
                          a_uid_under_a_new_name_owns_nothing_here,
                          a_caller_sees_what_policy_lets_him,
                          every_verb_asks_policy_first);
        FIXTURE_ADD_TESTS(suite,
                          "credentials",
                          the_strongest_that_is_offered_and_set_is_chosen,
                          a_credential_that_was_refused_is_not_given_again,
                          a_scheme_that_the_worker_cannot_use_is_followed_by_the_next,
                          a_worker_that_is_stopping_gets_no_credential,
                          a_removed_credential_is_gone,
                          a_failed_batch_puts_credentials_back,
                          an_owners_share_of_the_vault_is_limited,
                          the_first_login_of_a_url_becomes_credentials,
                          a_login_is_kept_only_together_with_its_file,
                          a_credential_that_cannot_be_opened_is_reported);
        FIXTURE_ADD_TESTS(suite,
                          "ownership",
                          take_ownership_wipes_credentials,
                          take_ownership_takes_back_what_is_the_owners,
                          a_taken_job_gets_a_worker_of_its_new_owner,
                          the_worker_of_the_owner_before_gets_no_credential_of_the_next,
                          a_taken_job_waits_in_the_queue_of_its_new_owner,
                          a_taking_that_cannot_be_saved_is_taken_back);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
