/*
 * A database that an older version wrote: what it holds is taken over, with the sums of its rows,
 * and what was damaged stays so. The rows below are as versions 4, 6, 7 and 8 themselves wrote
 * them.
 */
#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

#include "manager/store.h"
#include "tests/lib/temp-dir.h"

static const char version_4[] =
        "CREATE TABLE files ( job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"
        " idx INTEGER NOT NULL, remote_name TEXT NOT NULL, local_name TEXT NOT NULL,"
        " temp_name TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
        " offset INTEGER NOT NULL, total INTEGER NOT NULL, etag TEXT NOT NULL,"
        " last_modified TEXT NOT NULL, effective_url TEXT NOT NULL, finished INTEGER NOT NULL,"
        " headers TEXT NOT NULL, checksum TEXT NOT NULL DEFAULT '',"
        " ranges BLOB NOT NULL DEFAULT x'', restarts INTEGER NOT NULL DEFAULT 0,"
        " restart_reason TEXT NOT NULL DEFAULT '', sum INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY (job, idx)) STRICT, WITHOUT ROWID;"
        "INSERT INTO files VALUES(1,0,'http://host/file','/home/alice/file','',0,0,0,-1,'','','',"
        "0,'','',X'',0,'',-4583187658246734258);"
        "CREATE TABLE jobs ( serial INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
        " owner INTEGER NOT NULL, owner_name TEXT NOT NULL, display_name TEXT NOT NULL,"
        " description TEXT NOT NULL, priority INTEGER NOT NULL, proxy_usage INTEGER NOT NULL,"
        " proxies TEXT NOT NULL, proxy_bypass TEXT NOT NULL, state INTEGER NOT NULL,"
        " error_code INTEGER NOT NULL, error_context INTEGER NOT NULL,"
        " error_description TEXT NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL,"
        " error_count INTEGER NOT NULL, attempts INTEGER NOT NULL,"
        " credentials_lost INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,"
        " transferred INTEGER NOT NULL, next_attempt INTEGER NOT NULL,"
        " min_retry_delay INTEGER NOT NULL DEFAULT 0,"
        " no_progress INTEGER NOT NULL DEFAULT 1209600,"
        " max_download INTEGER NOT NULL DEFAULT 7776000, stalled INTEGER NOT NULL DEFAULT 0,"
        " active INTEGER NOT NULL DEFAULT 0, workers_lost INTEGER NOT NULL DEFAULT 0,"
        " sum INTEGER NOT NULL DEFAULT 0) STRICT;"
        "INSERT INTO jobs VALUES(1,X'04000000000000000000000000000000',1000,'alice','old','',2,0,"
        "'','',3,0,0,'','',-1,0,0,0,1,0,0,0,0,1209600,7776000,0,0,0,-6316816673912256134);"
        "CREATE TABLE slots ( job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"
        " target INTEGER NOT NULL, scheme INTEGER NOT NULL, implicit INTEGER NOT NULL,"
        " user_name TEXT, key_id BLOB NOT NULL, persistent INTEGER NOT NULL,"
        " sealed BLOB NOT NULL, PRIMARY KEY (job, target, scheme)) STRICT;"
        "INSERT INTO slots VALUES(1,1,1,0,'alice',X'07000000000000000000000000000000',1,"
        "X'7365616C6564');"
        "PRAGMA user_version=4;";

/* The same rows after version 5 has put them anew. */
static const char to_version_5[] = "ALTER TABLE jobs ADD COLUMN untold INTEGER NOT NULL DEFAULT 1;"
                                   "ALTER TABLE files DROP COLUMN device;"
                                   "UPDATE jobs SET untold=0, sum=3377049026198599179;"
                                   "UPDATE files SET sum=-177553089889405937;"
                                   "PRAGMA user_version=5;";

/* Three jobs that version 6 itself wrote: one with defaults, one without, and one that is gone. */
static const char version_6[] =
        "CREATE TABLE jobs ( serial INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL "
        "UNIQUE, owner INTEGER NOT NULL, owner_name TEXT NOT NULL, display_name TEXT NOT "
        "NULL, description TEXT NOT NULL, priority INTEGER NOT NULL, proxy_usage INTEGER NOT "
        "NULL, proxies TEXT NOT NULL, proxy_bypass TEXT NOT NULL, state INTEGER NOT NULL, "
        "error_code INTEGER NOT NULL, error_context INTEGER NOT NULL, error_description TEXT "
        "NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL, error_count INTEGER "
        "NOT NULL, attempts INTEGER NOT NULL, credentials_lost INTEGER NOT NULL, created "
        "INTEGER NOT NULL, modified INTEGER NOT NULL, transferred INTEGER NOT NULL, "
        "next_attempt INTEGER NOT NULL, min_retry_delay INTEGER NOT NULL DEFAULT 0, "
        "no_progress INTEGER NOT NULL DEFAULT 1209600, max_download INTEGER NOT NULL DEFAULT "
        "7776000, stalled INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 0, "
        "workers_lost INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL DEFAULT 0, untold "
        "INTEGER NOT NULL DEFAULT 1, redirect_policy INTEGER NOT NULL DEFAULT 0, "
        "security_flags INTEGER NOT NULL DEFAULT 0, ca_certificate TEXT NOT NULL DEFAULT '', "
        "client_certificate TEXT NOT NULL DEFAULT '', client_key TEXT NOT NULL DEFAULT '', "
        "ticket_cache TEXT NOT NULL DEFAULT '', sealed INTEGER NOT NULL DEFAULT 0) STRICT;"
        "INSERT INTO jobs VALUES(1,X'06010000000000000000000000000000',1000,'alice','plain',"
        "'',2,0,'','',3,0,0,'','',-1,0,0,0,0,0,0,0,60,1209600,7776000,0,0,0,"
        "-1832066417960535475,0,0,0,'','','','',0);"
        "INSERT INTO jobs VALUES(2,X'06020000000000000000000000000000',1000,'alice','it''s "
        "all','\xe2\x82\xac',0,2,replace('http://one:80\\nhttps=http://two:80\\n','\\n',char(10)),"
        "replace('*.local\\n','\\n',char(10)),5,2149122449,5,'Why.','http://h/',0,3,2,1,11,12,"
        "13,14,77,0,4294967295,23,24,1,7795428160907456458,1,4,31,'/ca.pem','/crt.pem',"
        "'/key.pem','KCM:1000',2);"
        "CREATE TABLE files ( job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE "
        "CASCADE, idx INTEGER NOT NULL, remote_name TEXT NOT NULL, local_name TEXT NOT NULL, "
        "temp_name TEXT NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL, total "
        "INTEGER NOT NULL, etag TEXT NOT NULL, last_modified TEXT NOT NULL, effective_url "
        "TEXT NOT NULL, finished INTEGER NOT NULL, headers TEXT NOT NULL, checksum TEXT NOT "
        "NULL DEFAULT '', ranges BLOB NOT NULL DEFAULT x'', restarts INTEGER NOT NULL "
        "DEFAULT 0, restart_reason TEXT NOT NULL DEFAULT '', sum INTEGER NOT NULL DEFAULT 0, "
        "named_url TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, idx)) STRICT, WITHOUT ROWID;"
        "INSERT INTO files VALUES(1,0,'http://host/file','/home/alice/file','',0,0,-1,'','',"
        "'',0,'','',X'',0,'',-6199020618131935860,'');"
        "INSERT INTO files VALUES(2,0,'http://host/file','/home/alice/file','',0,0,-1,'','',"
        "'',0,'','md5:00',"
        "X'0500000000000000060000000000000000000000000000000100000000000000',0,'',"
        "-653339644789496287,'');"
        "CREATE TABLE IF NOT EXISTS \"slots\" ( job INTEGER NOT NULL REFERENCES jobs (serial) "
        "ON DELETE CASCADE, kind INTEGER NOT NULL, target INTEGER NOT NULL, scheme INTEGER "
        "NOT NULL, implicit INTEGER NOT NULL, user_name TEXT, key_id BLOB NOT NULL, "
        "persistent INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (job, kind, target, "
        "scheme)) STRICT;"
        "INSERT INTO slots VALUES(2,0,1,1,0,'alice',X'07000000000000000000000000000000',1,"
        "X'7365616c6564');"
        "INSERT INTO slots VALUES(2,1,0,0,0,NULL,X'07000000000000000000000000000000',1,"
        "X'7365616c6564');"
        "DELETE FROM sqlite_sequence;"
        "INSERT INTO sqlite_sequence VALUES('jobs',3);"
        "PRAGMA user_version=6;";

/* A job of three files that version 7 itself wrote. */
static const char version_7[] =
        "CREATE TABLE files ( job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCA"
        "DE, idx INTEGER NOT NULL, remote_name TEXT NOT NULL, local_name TEXT NOT NULL, tem"
        "p_name TEXT NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL, total INTEG"
        "ER NOT NULL, etag TEXT NOT NULL, last_modified TEXT NOT NULL, effective_url TEXT N"
        "OT NULL, finished INTEGER NOT NULL, headers TEXT NOT NULL, checksum TEXT NOT NULL "
        "DEFAULT '', ranges BLOB NOT NULL DEFAULT x'', restarts INTEGER NOT NULL DEFAULT 0,"
        " restart_reason TEXT NOT NULL DEFAULT '', sum INTEGER NOT NULL DEFAULT 0, named_ur"
        "l TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, idx)) STRICT, WITHOUT ROWID;"
        "INSERT INTO files VALUES(1,0,'http://host/file','/home/alice/file-0','.file.000000"
        "01.dosvc',5,3,10,'\"e\"','','http://host/file',0,replace('HTTP/1.1 200 OK\\nX-Cont"
        "ent-Encoding: gzip\\nETag: \"e\"\\n','\\n',char(10)),'',X'',2,'',-5510104394103325"
        "20,'');"
        "INSERT INTO files VALUES(1,1,'http://host/file','/home/alice/file-1','.file.000000"
        "01.dosvc',5,3,10,'\"e\"','','http://host/file',0,replace('HTTP/1.1 200 OK\\nETag: "
        "\"e\"\\nCONTENT-Encoding: gzip\\n','\\n',char(10)),'',X'',2,'',3066095513750332173"
        ",'');"
        "INSERT INTO files VALUES(1,2,'http://host/file','/home/alice/file-2','.file.000000"
        "01.dosvc',5,3,10,'\"e\"','','http://host/file',0,'','',X'',2,'',-62404220645633986"
        "44,'');"
        "CREATE TABLE IF NOT EXISTS \"slots\" ( job INTEGER NOT NULL REFERENCES jobs (seria"
        "l) ON DELETE CASCADE, kind INTEGER NOT NULL, target INTEGER NOT NULL, scheme INTEG"
        "ER NOT NULL, implicit INTEGER NOT NULL, user_name TEXT, key_id BLOB NOT NULL, pers"
        "istent INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (job, kind, target, sch"
        "eme)) STRICT;"
        "CREATE TABLE settings ( job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CA"
        "SCADE, name TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY "
        "(job, name)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS \"jobs\" ( serial INTEGER PRIMARY KEY AUTOINCREMENT, id"
        " BLOB NOT NULL UNIQUE, owner INTEGER NOT NULL, owner_name TEXT NOT NULL, state INT"
        "EGER NOT NULL, error_code INTEGER NOT NULL, error_context INTEGER NOT NULL, error_"
        "description TEXT NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL, e"
        "rror_count INTEGER NOT NULL, attempts INTEGER NOT NULL, workers_lost INTEGER NOT N"
        "ULL, stalled INTEGER NOT NULL, active INTEGER NOT NULL, credentials_lost INTEGER N"
        "OT NULL, untold INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT N"
        "ULL, transferred INTEGER NOT NULL, next_attempt INTEGER NOT NULL, sealed INTEGER N"
        "OT NULL, sum INTEGER NOT NULL) STRICT;"
        "INSERT INTO jobs VALUES(1,X'07000000000000000000000000000000',1000,'alice',3,0,0,'"
        "','',-1,0,0,0,0,0,0,0,0,0,0,0,0,-1221883127080686233);"
        "DELETE FROM sqlite_sequence;"
        "INSERT INTO sqlite_sequence VALUES('jobs',1);"
        "PRAGMA user_version=7;";

/* The same rows after version 8 has put them anew. */
static const char to_version_8[] =
        "ALTER TABLE jobs ADD COLUMN answered INTEGER NOT NULL DEFAULT 1;"
        "UPDATE jobs SET answered=0, sum=-4760775746807041146;"
        "PRAGMA user_version=8;";

static char *dir, *path;
static Store *store;
static Owners owners;
static Job *job;

static void setup(void)
{
        dir = temp_dir_new();
        path = temp_dir_path(dir, "jobs.db");
        owners = (Owners){ 0 };
}

static void teardown(void)
{
        store = store_free(store);
        free(path);
        dir = temp_dir_remove(dir);
}

static void write_old(int version, const char *change)
{
        sqlite3 *db = NULL;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db,
                                      version >= 7   ? version_7
                                      : version == 6 ? version_6
                                                     : version_4,
                                      NULL,
                                      NULL,
                                      NULL),
                         SQLITE_OK);
        if (version == 5)
                ck_assert_int_eq(sqlite3_exec(db, to_version_5, NULL, NULL, NULL), SQLITE_OK);
        if (version == 8)
                ck_assert_int_eq(sqlite3_exec(db, to_version_8, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int take(void *userdata, Job *loaded)
{
        ck_assert_ptr_null(job);
        job = loaded;
        return 0;
}

static int load(void)
{
        ck_assert_int_eq(store_open(path, &store), 0);
        return store_load(store, &owners, take, NULL);
}

static void drop_job(void)
{
        Owner *owner = job->owner;

        job = job_free(job);
        owners_release(&owners, owner);
}

START_TEST(a_job_of_an_older_version_is_taken_over)
{
        StoreSlot slot;

        write_old(_i, "");
        for (int round = 0; round < 2; round++) { /* the second time it is of this version */
                ck_assert_int_eq(load(), 0);
                ck_assert_str_eq(job->settings.display_name, "old");
                ck_assert_uint_eq(job->n_files, 1);
                ck_assert_str_eq(job->files[0].record.remote_name, "http://host/file");
                ck_assert_str_eq(job->files[0].record.named_url, "");
                ck_assert_uint_eq(job->settings.redirect_policy, REDIRECT_POLICY_ALLOW_SILENT);
                ck_assert_uint_eq(job->settings.security_flags, 0);
                ck_assert_ptr_null(job->settings.ca_certificate);
                ck_assert_uint_eq(job->sealed, 0);
                ck_assert_int_eq(job->unreported, _i < 5); /* nobody knew before */
                ck_assert(job->answered);
                ck_assert_int_eq(
                        store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, &slot),
                        0);
                ck_assert_str_eq(slot.user_name, "alice");
                ck_assert_uint_eq(slot.row.sealed_size, strlen("sealed"));
                ck_assert_mem_eq(slot.row.sealed, "sealed", strlen("sealed"));
                store_slot_done(&slot);
                ck_assert_int_eq(store_get_sealed(store, job, VAULT_HEADERS, &slot), -ENOENT);
                drop_job();
                store = store_free(store);
        }
}
END_TEST

START_TEST(a_row_without_a_sum_is_taken_as_it_is)
{
        write_old(_i, "UPDATE jobs SET sum=0, display_name='older'; UPDATE files SET sum=0");
        ck_assert_int_eq(load(), 0);
        ck_assert_str_eq(job->settings.display_name, "older");
        drop_job();
}
END_TEST

/* The database itself is good: it is the row that is refused. */
START_TEST(what_was_damaged_is_not_blessed)
{
        static const char *const changes[] = {
                "UPDATE jobs SET owner=0",
                "UPDATE jobs SET sum=12345",
                "UPDATE files SET local_name='/etc/shadow'",
                "UPDATE files SET sum=12345",
        };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                write_old(_i, changes[i]);
                ck_assert_int_eq(load(), -EUCLEAN);
                store = store_free(store);
                ck_assert_int_eq(unlink(path), 0);
        }
}
END_TEST

/* A row that was whole is protected from now on. */
START_TEST(damage_after_the_update_is_seen)
{
        sqlite3 *db = NULL;

        write_old(5, "");
        ck_assert_int_eq(load(), 0);
        drop_job();
        store = store_free(store);
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db,
                                      _i ? "UPDATE settings SET value='/tmp/ca'"
                                         : "UPDATE files SET named_url='http://other/'",
                                      NULL,
                                      NULL,
                                      NULL),
                         SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        ck_assert_int_eq(load(), -EUCLEAN);
}
END_TEST

/* ---- versions 7 and 8: the coding was among the headers alone
 * ----------------------------------------
 */

START_TEST(bytes_in_a_coding_of_an_older_version_are_continued_by_nothing)
{
        write_old(_i / 2, _i % 2 ? "UPDATE files SET sum=0" : "");
        for (int round = 0; round < 2; round++) {
                ck_assert_int_eq(load(), 0);
                ck_assert_uint_eq(job->n_files, 3);
                ck_assert_str_eq(job->files[0].record.coding, "");
                ck_assert_str_eq(job->files[1].record.coding, "?");
                ck_assert_str_eq(job->files[2].record.coding, "");
                ck_assert_uint_eq(job->files[1].record.restarts, 2);
                ck_assert_uint_eq(job->files[1].record.offset_bytes, 3);
                drop_job();
                store = store_free(store);
        }
}
END_TEST

START_TEST(damage_in_the_files_stays_damage)
{
        static const char *const changes[] = {
                "UPDATE files SET headers='Content-Encoding: gzip' WHERE idx=0",
                "UPDATE files SET sum=12345 WHERE idx=1",
        };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                write_old(_i, changes[i]);
                ck_assert_msg(load() == -EUCLEAN, "%s", changes[i]);
                store = store_free(store);
                ck_assert_int_eq(unlink(path), 0);
        }
}
END_TEST

/* ---- version 6: the settings were columns ---------------------------------------------------- */

static Job *jobs[2];
static size_t n_jobs;

static int take_both(void *userdata, Job *loaded)
{
        ck_assert_uint_lt(n_jobs, ARRAY_SIZE(jobs));
        jobs[n_jobs++] = loaded;
        return 0;
}

static int load_both(void)
{
        ck_assert_int_eq(store_open(path, &store), 0);
        return store_load(store, &owners, take_both, NULL);
}

static void drop_both(void)
{
        Owner *owner = jobs[0]->owner;

        while (n_jobs > 0)
                job_free(jobs[--n_jobs]);
        owners_release(&owners, owner);
        store = store_free(store);
}

static void check_text(SettingId id, const char *expected)
{
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(setting_format(&jobs[1]->settings, id, &text), 0);
        ck_assert_str_eq(text, expected);
}

static void check_settings(void)
{
        static const char *const texts[SETTINGS_MAX] = {
                [SETTING_DISPLAY_NAME] = "it's all",
                [SETTING_DESCRIPTION] = "\xe2\x82\xac",
                [SETTING_PRIORITY] = "foreground",
                [SETTING_MINIMUM_RETRY_DELAY] = "77",
                [SETTING_NO_PROGRESS_TIMEOUT] = "0",
                [SETTING_MAXIMUM_DOWNLOAD_TIME] = "4294967295",
                [SETTING_REDIRECT_POLICY] = "allow-report+https-to-http",
                [SETTING_SECURITY_FLAGS] = "enable-crl-check\nignore-cert-cn-invalid\n"
                                           "ignore-cert-date-invalid\nignore-unknown-ca\n"
                                           "ignore-cert-wrong-usage\n",
                [SETTING_CA_CERTIFICATE] = "/ca.pem",
                [SETTING_TICKET_CACHE] = "KCM:1000",
                [SETTING_PROXY_USAGE] = "override",
                [SETTING_PROXIES] = "http://one:80\nhttps=http://two:80\n",
                [SETTING_PROXY_BYPASS] = "*.local\n",
                [SETTING_CLIENT_CERTIFICATE] = "/crt.pem",
                [SETTING_CLIENT_KEY] = "/key.pem",
        };

        for (unsigned id = 0; id < SETTINGS_MAX; id++) {
                if (texts[id])
                        check_text((SettingId) id, texts[id]);
                ck_assert(id == SETTING_DISPLAY_NAME ||
                          setting_is_default(&jobs[0]->settings, (SettingId) id));
        }
        ck_assert_str_eq(jobs[0]->settings.display_name, "plain");
}

static void check_columns(const Job *second)
{
        ck_assert_int_eq(second->state, JOB_TRANSIENT_ERROR);
        ck_assert_uint_eq(second->error.code, 0x80190191);
        ck_assert_uint_eq(second->error.context, ERROR_CONTEXT_REMOTE_FILE);
        ck_assert_str_eq(second->error.description, "Why.");
        ck_assert_str_eq(second->error.url, "http://h/");
        ck_assert_int_eq(second->error.file, 0);
        ck_assert_uint_eq(second->error_count, 3);
        ck_assert_uint_eq(second->attempts.failures, 2);
        ck_assert_uint_eq(second->attempts.workers_lost, 1);
        ck_assert_uint_eq(second->created_usec, 11);
        ck_assert_uint_eq(second->modified_usec, 12);
        ck_assert_uint_eq(second->transferred_usec, 13);
        ck_assert_uint_eq(second->attempts.next_usec, 14);
        ck_assert_uint_eq(second->attempts.stalled.spent_usec, 23);
        ck_assert_uint_eq(second->attempts.active.spent_usec, 24);
        ck_assert(second->credentials_lost && second->unreported);
        ck_assert_uint_eq(second->sealed, 1U << VAULT_HEADERS);
}

START_TEST(columns_of_settings_become_rows)
{
        write_old(6, "");
        for (int round = 0; round < 2; round++) {
                uint64_t bytes = 0;

                ck_assert_int_eq(load_both(), 0);
                ck_assert_uint_eq(n_jobs, 2);
                check_settings();
                check_columns(jobs[1]);
                ck_assert_uint_eq(jobs[1]->files[0].record.n_ranges, 2);
                ck_assert_str_eq(jobs[1]->files[0].record.checksum, "md5:00");
                ck_assert_int_eq(store_slot_bytes(store, jobs[1], &bytes), 0);
                ck_assert_uint_eq(bytes, 2 * strlen("sealed"));
                drop_both();
        }
}
END_TEST

START_TEST(the_serials_go_on_after_the_job_that_is_gone)
{
        Owner *owner;
        Job *new;

        write_old(6, "");
        ck_assert_int_eq(load_both(), 0);
        owner = jobs[0]->owner;
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { 9 } }, owner, &new), 0);
        ck_assert_int_eq(store_put_job(store, new), 0);
        ck_assert_int_eq(new->serial, 4);
        job_free(new);
        /* The rows that belong to a job still go with it. */
        ck_assert_int_eq(store_delete_job(store, jobs[1]), 0);
        ck_assert_int_eq(store_commit(store), 0);
        drop_both();
        ck_assert_int_eq(load_both(), 0);
        ck_assert_uint_eq(n_jobs, 2);
        drop_both();
}
END_TEST

START_TEST(damage_in_the_columns_stays_damage)
{
        static const char *const changes[] = {
                "UPDATE jobs SET ca_certificate='/tmp/ca' WHERE serial=2",
                "UPDATE jobs SET sum=12345 WHERE serial=1",
                "UPDATE jobs SET priority=4, sum=0 WHERE serial=2",
                "UPDATE jobs SET proxy_usage=4, sum=0 WHERE serial=2",
                "UPDATE jobs SET redirect_policy=5, sum=0 WHERE serial=2",
                "UPDATE jobs SET security_flags=32, sum=0 WHERE serial=2",
        };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                write_old(6, changes[i]);
                ck_assert_msg(load_both() == -EUCLEAN, "%s", changes[i]);
                if (n_jobs > 0)
                        drop_both();
                else
                        store = store_free(store);
                ck_assert_int_eq(unlink(path), 0);
        }
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("store-schema");
        TCase *older = tcase_create("older");
        TCase *codings = tcase_create("codings");
        TCase *columns = tcase_create("columns");

        tcase_add_checked_fixture(older, setup, teardown);
        tcase_add_loop_test(older, a_job_of_an_older_version_is_taken_over, 4, 6);
        tcase_add_loop_test(older, a_row_without_a_sum_is_taken_as_it_is, 4, 6);
        tcase_add_loop_test(older, what_was_damaged_is_not_blessed, 4, 6);
        tcase_add_loop_test(older, damage_after_the_update_is_seen, 0, 2);
        suite_add_tcase(suite, older);
        tcase_add_checked_fixture(codings, setup, teardown);
        tcase_add_loop_test(codings,
                            bytes_in_a_coding_of_an_older_version_are_continued_by_nothing,
                            2 * 7,
                            2 * 9);
        tcase_add_loop_test(codings, damage_in_the_files_stays_damage, 7, 9);
        suite_add_tcase(suite, codings);
        tcase_add_checked_fixture(columns, setup, teardown);
        tcase_add_test(columns, columns_of_settings_become_rows);
        tcase_add_test(columns, the_serials_go_on_after_the_job_that_is_gone);
        tcase_add_test(columns, damage_in_the_columns_stays_damage);
        suite_add_tcase(suite, columns);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
