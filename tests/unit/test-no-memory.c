#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#include "dbus/worker-wire.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"

#include "manager/config.h"
#include "manager/job.h"
#include "manager/live-settings.h"
#include "manager/owner.h"
#include "manager/store.h"
#include "manager/subscribers.h"
#include "manager/vault.h"
#include "model/checksum.h"
#include "model/enums.h"
#include "model/failure.h"
#include "model/file-record.h"
#include "model/url.h"
#include "model/wire-codec.h"
#include "model/wire-settings.h"
#include "tests/lib/no-memory.h"
#include "tests/lib/temp-dir.h"
#include "worker/destinations.h"
#include "worker/digest.h"
#include "worker/http/head.h"
#include "worker/http/origins.h"
#include "worker/http/status.h"
#include "worker/publish.h"
#include "worker/sink.h"

/* One scenario; its name is that of its function. */
#define TORTURE(function, ...)                                                                     \
        no_memory_torture(&(NoMemoryScenario){ .name = #function, .run = (function), __VA_ARGS__ })

static char *dir; /* owned by the fixture, as are the next */
static int dir_fd;
static sd_event *event;

static void setup(void)
{
        dir = temp_dir_new();
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
        ck_assert_int_eq(sd_event_new(&event), 0);
}

static void teardown(void)
{
        event = sd_event_unref(event);
        (void) close(dir_fd);
        dir = temp_dir_remove(dir);
}

/* ---- base and model -------------------------------------------------------------------------- */

static int strings(void *userdata)
{
        char one[] = "one", two[] = "two";
        char *const from[] = { one, two, NULL };
        _cleanup_(strings_freep) char **copy = NULL;
        _cleanup_free_ char *text = NULL;
        int r = strings_copy(from, &copy);

        if (r >= 0)
                r = str_format(&text, "%d", 1);
        if (r >= 0)
                r = str_set(&text, "another");
        return r;
}

static int secrets(void *userdata)
{
        Secret *secret = NULL;
        int r = secret_new_copy("secret", 6, &secret);

        secret_free(secret);
        return r;
}

static int lists_as_lines(void *userdata)
{
        _cleanup_(strings_freep) char **list = NULL;
        _cleanup_free_ char *lines = NULL;
        int r = strings_from_lines("one\ntwo\n", &list);

        return r < 0 ? r : strings_to_lines(list, &lines);
}

START_TEST(strings_and_secrets)
{
        TORTURE(strings);
        TORTURE(lists_as_lines);
        TORTURE(secrets);
}
END_TEST

static int remote_name(void *userdata)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        const char *reason;

        return url_parse_remote_name("https://al%20ice:secret@host:8443/a/b?c=d#e",
                                     &url,
                                     &user,
                                     &password,
                                     &reason);
}

static int proxy(void *userdata)
{
        _cleanup_free_ char *url = NULL;
        const char *reason;

        return url_parse_proxy("[fe80::1%25eth0]:3128", &url, &reason);
}

static int ranges_and_checksum(void *userdata)
{
        static const FileRange ranges[] = { { 10, 5 }, { 0, 5 } };
        _cleanup_free_ char *checksum = NULL;
        const char *reason;
        int r = file_ranges_check(ranges, ARRAY_SIZE(ranges), &reason);

        return r < 0 ? r
                     : checksum_parse("md5",
                                      "900150983CD24FB0D6963F7D28E17F72",
                                      &checksum,
                                      &reason);
}

static int file_record(void *userdata)
{
        FileRange ranges[] = { { 0, 5 } };
        FileRecord record, copy;
        int r = file_record_init(&record, 0, "http://host/", "/dir/file");

        if (r < 0)
                return r;
        record.ranges = ranges;
        record.n_ranges = 1;
        r = file_record_copy(&copy, &record);
        record.ranges = NULL;
        file_record_done(&record);
        if (r >= 0)
                file_record_done(&copy);
        return r;
}

START_TEST(what_text_says)
{
        /* libcurl has one answer for a login that it cannot decode and for lack of memory. */
        TORTURE(remote_name, .or_else = -EINVAL);
        TORTURE(proxy);
        TORTURE(ranges_and_checksum);
        TORTURE(file_record);
}
END_TEST

/* Two URLs that cannot be compared are of two origins: nothing is sent to either. */
static int same_origin(void *userdata)
{
        return url_same_origin("http://host/a", "http://HOST:80/b") ? 0 : -ENOMEM;
}

START_TEST(an_origin_that_cannot_be_compared_is_another)
{
        TORTURE(same_origin);
}
END_TEST

static int read_message(void *userdata)
{
        sd_bus_message *message = userdata;
        _cleanup_(strings_freep) char **list = NULL;
        FileRecord *records = NULL;
        size_t n = 0;
        int r;

        ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
        r = wire_read_files(message, 10, &records, &n);
        if (r >= 0)
                r = wire_read_strings(message, 10, &list);
        file_records_free(records, n);
        return r;
}

static int read_settings(void *userdata)
{
        sd_bus_message *message = userdata;
        _cleanup_(job_settings_done) JobSettings settings = { 0 };

        ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
        return wire_read_settings(message, SETTING_FOR_WORKER, &settings);
}

static int copy_settings(void *userdata)
{
        _cleanup_(job_settings_done) JobSettings copy = { 0 };

        return job_settings_copy(&copy, userdata);
}

typedef struct Announcement {
        sd_bus *bus;
        const JobSettings *settings;
} Announcement;

/* A worker that has no proxies is told of some. */
static int report_settings(void *userdata)
{
        const Announcement *announcement = userdata;
        _cleanup_(live_settings_freep) LiveSettings *live = NULL;
        JobSettings order;
        int r;

        job_settings_init(&order);
        r = live_settings_new(announcement->bus, NULL, &order, NULL, NULL, &live);
        return r < 0 ? r : live_settings_change(live, announcement->settings);
}

static sd_bus_message *new_message(sd_bus *bus)
{
        sd_bus_message *message = NULL;

        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &message,
                                                        NULL,
                                                        "/path",
                                                        "an.interface",
                                                        "Test"),
                         0);
        return message;
}

static const struct {
        SettingId id;
        const char *text;
} stored[] = {
        { SETTING_DISPLAY_NAME, "name" },
        { SETTING_PRIORITY, "low" },
        { SETTING_MINIMUM_RETRY_DELAY, "77" },
        { SETTING_SECURITY_FLAGS, "enable-crl-check\nignore-unknown-ca\n" },
        { SETTING_PROXIES, "http://one:80\nhttp://two:80\n" },
};

/* From the text in the store and back. */
static int setting_as_text(void *userdata)
{
        _cleanup_(job_settings_done) JobSettings settings;
        int r = 0;

        job_settings_init(&settings);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stored); i++) {
                _cleanup_free_ char *text = NULL;

                r = setting_parse(&settings, stored[i].id, stored[i].text);
                if (r >= 0)
                        r = setting_format(&settings, stored[i].id, &text);
                if (r >= 0)
                        ck_assert_str_eq(text, stored[i].text);
        }
        return r;
}

static void torture_settings(sd_bus *bus)
{
        char one[] = "http://one:1", two[] = "http=two:2", host[] = "*.host", path[] = "/file";
        char *proxies[] = { one, two, NULL }, *bypass[] = { host, NULL };
        sd_bus_message *message = new_message(bus);
        Secret *secret = NULL;
        JobSettings settings = {
                .proxies = proxies,
                .proxy_bypass = bypass,
                .redirect_policy = REDIRECT_POLICY_DISALLOW,
                .security_flags = 3,
                .ca_certificate = path,
                .client_certificate = path,
                .client_key = path,
                .ticket_cache = path,
                .disk_reserve_bytes = 5,
        };

        ck_assert_int_eq(wire_append_settings(message, &settings, SETTING_FOR_WORKER), 0);
        ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
        TORTURE(read_settings, .userdata = message);
        sd_bus_message_unref(message);
        TORTURE(report_settings, .userdata = &(Announcement){ bus, &settings });

        ck_assert_int_eq(secret_new_copy("A: b\n", 5, &secret), 0);
        settings.headers = settings.key_password = secret;
        TORTURE(copy_settings, .userdata = &settings);
        secret_free(secret);
        TORTURE(setting_as_text);
}

START_TEST(what_comes_over_the_link)
{
        FileRange ranges[] = { { 0, 5 }, { 10, 5 } };
        FileRecord records[5];
        sd_bus *bus = NULL;
        sd_bus_message *message = NULL;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        (void) close(pair[1]);
        message = new_message(bus);
        for (uint32_t i = 0; i < ARRAY_SIZE(records); i++) {
                ck_assert_int_eq(file_record_init(&records[i], i, "http://host/", "/dir/file"), 0);
                records[i].ranges = ranges;
                records[i].n_ranges = ARRAY_SIZE(ranges);
        }
        ck_assert_int_eq(wire_append_files(message, records, ARRAY_SIZE(records)), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "as", 2, "one", "two"), 0);
        ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);

        TORTURE(read_message, .userdata = message);
        torture_settings(bus);

        for (uint32_t i = 0; i < ARRAY_SIZE(records); i++) {
                records[i].ranges = NULL;
                file_record_done(&records[i]);
        }
        sd_bus_message_unref(message);
        sd_bus_close_unref(bus);
}
END_TEST

/* ---- worker ---------------------------------------------------------------------------------- */

static int head(void *userdata)
{
        static const char *const lines[] = { "HTTP/1.1 200 OK\r\n",
                                             "ETag: \"1\"\r\n",
                                             "Last-Modified: Thu, 29 Feb 2024 10:00:00 GMT\r\n",
                                             "Content-Encoding: gzip, br\r\n",
                                             "Content-Type: text/html; charset=utf-8\r\n",
                                             "Date: Thu, 29 Feb 2024 10:00:00 GMT\r\n",
                                             "Location: http://host/\r\n",
                                             "Retry-After: 10\r\n",
                                             "Set-Cookie: a=b\r\n",
                                             "\r\n" };
        Head answer;
        int r = 0;

        head_init(&answer);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(lines); i++)
                r = head_add_line(&answer, lines[i], strlen(lines[i]));
        head_done(&answer);
        return r;
}

static int digest(void *userdata)
{
        _cleanup_(digest_freep) Digest *new = NULL;

        return digest_new("md5:900150983cd24fb0d6963f7d28e17f72", &new);
}

static int destinations(void *userdata)
{
        _cleanup_(destinations_freep) Destinations *set = NULL;
        Destination *destination;
        char *const *paths = userdata;
        int r = destinations_new(&set);

        for (; r >= 0 && *paths; paths++)
                r = destinations_add(set, *paths, &destination);
        return r;
}

START_TEST(an_answer_its_checksum_and_its_place)
{
        char root[] = "/file", first[] = "/tmp/file", second[] = "/dev/file",
             again[] = "/tmp/other";
        char *paths[] = { root, first, second, again, NULL };

        TORTURE(head);
        TORTURE(digest);
        TORTURE(destinations, .userdata = paths);
}
END_TEST

/* A temporary file is made, continued, and gone. */
static int sink(void *userdata)
{
        _cleanup_(sink_freep) Sink *first = NULL, *second = NULL;
        SinkFile file;
        int r = sink_new(dir_fd, "file", 4711, &first);

        if (r >= 0)
                r = sink_create(first);
        if (r >= 0)
                r = sink_write(first, "bytes", 5);
        if (r < 0)
                return r;
        file = sink_file(first);
        file.temp_name = strdupa(file.temp_name);
        first = sink_free(first);
        r = sink_new(dir_fd, "file", 4711, &second);
        if (r >= 0)
                r = sink_continue(second, &file, 5);
        second = sink_free(second);
        ck_assert_int_eq(sink_clean(dir_fd, &file), 0); /* it is still that one */
        return r;
}

static void no_leftovers(void *userdata, int result)
{
        ck_assert_int_eq(rmdir(dir), 0);
        ck_assert_int_eq(mkdir(dir, 0755), 0);
        (void) close(dir_fd);
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

START_TEST(a_temporary_file_is_recorded_or_not_there)
{
        TORTURE(sink, .check = no_leftovers);
}
END_TEST

/* A file that is whole and one that is not. */
typedef struct Published {
        FileRecord records[2];
        char *final_name, *temp_names[2]; /* owned */
} Published;

static void make_files(void *userdata)
{
        Published *published = userdata;

        for (size_t i = 0; i < 2; i++) {
                struct stat st;

                temp_dir_write(published->temp_names[i], "bytes");
                ck_assert_int_eq(stat(published->temp_names[i], &st), 0);
                published->records[i].inode = st.st_ino;
        }
}

static int publish(void *userdata)
{
        Published *published = userdata;
        PublishOrder order = { .records = published->records, .n_records = 2 };
        FailureList failures = { 0 };
        int r = publish_files(&order, &failures);

        if (r >= 0) /* the directory found no memory: that is one of them */
                r = failures.n_entries > 0 ? -ENOMEM : 0;
        failure_list_done(&failures);
        return r;
}

/* A move that is not done can be done again. */
static void is_published(void *userdata, int result)
{
        Published *published = userdata;
        PublishOrder order = { .records = published->records, .n_records = 2 };
        FailureList failures = { 0 };
        struct stat st;

        ck_assert_int_eq(publish_files(&order, &failures), 0);
        ck_assert_uint_eq(failures.n_entries, 0);
        ck_assert_int_eq(stat(published->final_name, &st), 0);
        ck_assert_uint_eq(st.st_ino, published->records[0].inode);
        for (size_t i = 0; i < 2; i++)
                ck_assert_int_lt(access(published->temp_names[i], F_OK), 0);
        ck_assert_int_eq(unlink(published->final_name), 0);
}

START_TEST(files_are_published_or_can_be)
{
        static const char *const temp_names[] = { ".a.dosvc", ".b.dosvc" };
        Published published = { .final_name = temp_dir_path(dir, "file") };

        for (uint32_t i = 0; i < 2; i++) {
                FileRecord *record = &published.records[i];

                ck_assert_int_eq(file_record_init(record, i, "http://host/", published.final_name),
                                 0);
                ck_assert_int_eq(str_set(&record->temp_name, temp_names[i]), 0);
                published.temp_names[i] = temp_dir_path(dir, temp_names[i]);
        }
        published.records[0].finished = true;
        published.records[0].offset_bytes = published.records[0].total_bytes = 5;
        TORTURE(publish, .prepare = make_files, .check = is_published, .userdata = &published);
        for (size_t i = 0; i < 2; i++) {
                file_record_done(&published.records[i]);
                free(published.temp_names[i]);
        }
        free(published.final_name);
}
END_TEST

static int failure(void *userdata)
{
        Failure why = FAILURE_NONE;
        bool is_whole;

        status_set_failure(&why, 404, "http://host/", false, 0);
        ck_assert_uint_eq(why.code, 404 | 0x80190000);
        ck_assert(!why.transient);
        is_whole = why.description && why.url;
        failure_done(&why);
        return is_whole ? 0 : -ENOMEM;
}

static int copy_of_failure(void *userdata)
{
        Failure copy = FAILURE_NONE;
        int r = failure_copy(&copy, userdata);

        if (r >= 0)
                failure_done(&copy);
        return r;
}

START_TEST(a_failure_keeps_its_code)
{
        Failure whole = FAILURE_NONE;

        TORTURE(failure);
        status_set_failure(&whole, 404, "http://host/", false, 0);
        TORTURE(copy_of_failure, .userdata = &whole);
        failure_done(&whole);
}
END_TEST

/* An origin that is not remembered is asked as the first time. */
static int origins(void *userdata)
{
        _cleanup_(origins_freep) Origins *known = NULL;
        int r = origins_new(&known);

        if (r < 0)
                return r;
        origins_learn(known, "http://host/a", RESUME_VALIDATOR_COMPARISON);
        return origins_find(known, "http://host/b") == RESUME_VALIDATOR_COMPARISON ? 0 : -ENOMEM;
}

START_TEST(an_origin_is_remembered_or_new)
{
        TORTURE(origins);
}
END_TEST

/* ---- manager --------------------------------------------------------------------------------- */

static int load_config(void *userdata)
{
        Config config;
        int r = config_load(&config, userdata);

        if (r >= 0) { /* all of it */
                ck_assert_uint_eq(config.max_jobs, 7);
                ck_assert_uint_eq(strings_count(config.proxies), 2);
                ck_assert_uint_eq(strings_count(config.proxy_bypass), 1);
        }
        config_done(&config);
        return r;
}

static int reload_config(void *userdata)
{
        Config config = { 0 };
        _cleanup_free_ char *changes = NULL, *problem = NULL;
        int r = config_load(&config, "/nonexistent");

        if (r >= 0)
                r = config_reload(&config, userdata, &changes, &problem);
        if (r >= 0)
                ck_assert_ptr_nonnull(strstr(changes, "MaxJobs=, Proxy=, ProxyBypass="));
        ck_assert_ptr_null(problem);
        if (config.max_jobs != 0)
                ck_assert_uint_eq(config.max_jobs, r >= 0 ? 7 : 100000);
        config_done(&config);
        return r;
}

START_TEST(a_configuration_is_whole_or_none)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "dosvcd.conf"),
                            *drop_ins = temp_dir_path(dir, "dosvcd.conf.d"),
                            *first = temp_dir_path(drop_ins, "a.conf"),
                            *second = temp_dir_path(drop_ins, "b.conf");

        temp_dir_write(path, "[Limits]\nMaxJobs=9\n[Proxy]\nProxy=http://one:1\n");
        temp_dir_make(drop_ins, 0755, 0);
        temp_dir_write(first, "[Proxy]\nProxy=http://one:1 two:2\nProxyBypass=host\n");
        temp_dir_write(second, "[Limits]\nMaxJobs=7\n");
        TORTURE(load_config, .userdata = path);
        TORTURE(reload_config, .userdata = path);
}
END_TEST

static int owner(void *userdata)
{
        Owners owners = { 0 };
        Owner *alice = NULL, *bob = NULL;
        int r = owners_acquire(&owners, 1000, "alice", &alice);

        if (r >= 0)
                r = owners_acquire(&owners, 1001, "bob", &bob);
        if (alice)
                owners_release(&owners, alice);
        if (bob)
                owners_release(&owners, bob);
        ck_assert_ptr_null(owners.by_uid);
        return r;
}

/* Enough of them that the table grows. */
static int subscribe(void *userdata)
{
        const SubscribeOptions options = { .progress_interval_msec = 100 };
        Subscribers *subscribers = NULL;
        int r = subscribers_new(event, NULL, NULL, &subscribers);

        for (uint32_t i = 0; r >= 0 && i < 400; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), ":1.%u", i);
                r = subscribers_add(subscribers, name, &(Caller){ .uid = i }, &options);
        }
        subscribers_free(subscribers);
        return r;
}

START_TEST(owners_and_subscribers)
{
        TORTURE(owner);
        TORTURE(subscribe, .step = 5);
}
END_TEST

/* An error loses its texts where there is no memory for them. */
static int set_error(Job *job)
{
        char text[] = "It failed.", url[] = "http://host/";

        job_set_error(job, &(Failure){ .code = 1, .file = 1, .description = text, .url = url });
        ck_assert_uint_eq(job->error.code, 1);
        ck_assert_uint_eq(job->error.file, 1);
        return job->error.description ? 0 : -ENOMEM;
}

static int job(void *userdata)
{
        static const FileRange ranges[] = { { 0, 5 } };
        Owner alice = { .uid = 1000 };
        Job *new = NULL;
        int r;

        list_init(&alice.jobs);
        r = job_new((sd_id128_t){ .bytes = { 1 } }, &alice, &new);
        if (r < 0)
                return r;
        for (uint32_t i = 0; r >= 0 && i < 3; i++) {
                r = job_add_file(new, "http://host/", "/dir/file");
                if (r >= 0)
                        r = job_want(new, i, "md5:00", ranges, ARRAY_SIZE(ranges));
        }
        if (r >= 0)
                r = job_set_remote_name(new, 1, "http://other/");
        if (r >= 0)
                r = set_error(new);
        job_free(new);
        ck_assert_uint_eq(alice.n_jobs, 0);
        return r;
}

START_TEST(a_job)
{
        TORTURE(job);
}
END_TEST

static void on_ready(void *userdata, int result)
{
        *(int *) userdata = result;
}

typedef struct Vaulted {
        Vault *vault;
        const VaultLabel label;
} Vaulted;

static int seal_and_open(void *userdata)
{
        Vaulted *vaulted = userdata;
        Secret *opened = NULL, *secret = NULL;
        VaultRow row = { 0 };
        int r = secret_new_copy("secret", 6, &secret);

        if (r >= 0)
                r = vault_seal(vaulted->vault, &vaulted->label, secret, &row);
        if (r >= 0)
                r = vault_open(vaulted->vault, &vaulted->label, &row, &opened);
        vault_row_done(&row);
        secret_free(opened);
        secret_free(secret);
        return r;
}

static int new_vault(void *userdata)
{
        int result = 1, r;
        Vault *vault = NULL;

        r = vault_new(event, VAULT_SYSTEM, -EBADF, on_ready, &result, &vault);
        while (r >= 0 && result == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        vault_free(vault);
        return r < 0 ? r : result;
}

START_TEST(a_vault_and_its_rows)
{
        int ready = 1;
        Vaulted vaulted = { .label = { .owner_uid = 1000, .user_name = "alice" } };

        (void) unsetenv("CREDENTIALS_DIRECTORY");
        ck_assert_int_eq(vault_new(event, VAULT_SYSTEM, -EBADF, on_ready, &ready, &vaulted.vault),
                         0);
        while (ready == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        ck_assert_int_eq(ready, 0);
        TORTURE(seal_and_open, .userdata = &vaulted);
        vault_free(vaulted.vault);
        TORTURE(new_vault);
}
END_TEST

/* ---- store: SQLite does without some of what it asks for ------------------------------------- */

static int take(void *userdata, Job *loaded)
{
        List *jobs = userdata;

        list_append(jobs, &loaded->work.running_link);
        return 0;
}

/* Whatever is loaded is as it was put. */
static int load_store(void *userdata)
{
        _cleanup_(store_freep) Store *store = NULL;
        Owners owners = { 0 };
        List jobs;
        int r = store_open(userdata, &store);

        list_init(&jobs);
        if (r >= 0)
                r = store_load(store, &owners, take, &jobs);
        while (!list_is_empty(&jobs)) {
                Job *loaded = CONTAINER_OF(jobs.next, Job, work.running_link);
                Owner *alice = loaded->owner;

                ck_assert_str_eq(loaded->settings.display_name, "display name");
                ck_assert_str_eq(loaded->settings.description, "description");
                ck_assert_str_eq(loaded->owner->name, "alice");
                ck_assert_uint_eq(strings_count(loaded->settings.proxies), 1);
                ck_assert_str_eq(loaded->settings.ticket_cache, "FILE:/cache");
                ck_assert_str_eq(loaded->files[0].record.local_name, "/dir/file");
                list_remove(&loaded->work.running_link);
                job_free(loaded);
                owners_release(&owners, alice);
        }
        return r;
}

static void make_store(const char *path)
{
        static const FileRange ranges[] = { { 0, 5 } };
        char proxy_url[] = "http://proxy:80";
        char *const proxies[] = { proxy_url, NULL };
        Owner alice = { .uid = 1000 };
        Store *store;

        ck_assert_int_eq(store_open(path, &store), 0);
        list_init(&alice.jobs);
        alice.name = strdupa("alice");
        for (uint8_t i = 0; i < 2; i++) {
                Job *new;

                ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { i } }, &alice, &new), 0);
                ck_assert_int_eq(str_set(&new->settings.display_name, "display name"), 0);
                ck_assert_int_eq(str_set(&new->settings.description, "description"), 0);
                ck_assert_int_eq(strings_copy(proxies, &new->settings.proxies), 0);
                ck_assert_int_eq(str_set(&new->settings.ticket_cache, "FILE:/cache"), 0);
                ck_assert_int_eq(job_add_file(new, "http://host/", "/dir/file"), 0);
                ck_assert_int_eq(job_want(new, 0, "md5:00", ranges, ARRAY_SIZE(ranges)), 0);
                ck_assert_int_eq(store_put_job(store, new), 0);
                ck_assert_int_eq(store_put_file(store, new, 0), 0);
                job_free(new);
        }
        ck_assert_int_eq(store_commit(store), 0);
        store_free(store);
}

static void is_whole(void *userdata, int result)
{
        Store *store;

        ck_assert_int_eq(store_open(userdata, &store), 0);
        store_free(store);
}

/* -EUCLEAN would put a whole database aside. */
START_TEST(a_database_is_not_damaged_for_lack_of_memory)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "jobs.db");

        make_store(path);
        TORTURE(load_store, .check = is_whole, .userdata = path, .step = 3, .harmless = true);
}
END_TEST

static int make_new_store(void *userdata)
{
        Store *store = NULL;
        int r = store_open(userdata, &store);

        store_free(store);
        return r;
}

static void is_whole_once(void *userdata, int result)
{
        is_whole(userdata, result);
        ck_assert_int_eq(unlink(userdata), 0);
        ck_assert(access(userdata, F_OK) < 0);
}

START_TEST(a_database_that_was_half_made_can_be_made)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "new.db");

        TORTURE(make_new_store,
                .check = is_whole_once,
                .userdata = path,
                .step = 127,
                .harmless = true);
}
END_TEST

static int put(Store *store, Job *new)
{
        const VaultRow row = { .sealed = (uint8_t[]){ 1 }, .sealed_size = 1 };
        uint64_t replaced;
        int r = store_put_job(store, new);

        if (r >= 0)
                r = store_put_file(store, new, 0);
        if (r >= 0)
                r = store_put_sealed(store, new, VAULT_HEADERS, &row, &replaced);
        if (r >= 0)
                r = store_put_slot(store,
                                   new,
                                   AUTH_TARGET_SERVER,
                                   AUTH_SCHEME_BASIC,
                                   false,
                                   "user",
                                   &row,
                                   &replaced);
        return r;
}

typedef struct Written {
        Store *store;
        Owner alice;
        Job *job;
} Written;

static void open_store(void *userdata)
{
        Written *written = userdata;

        ck_assert_int_eq(store_open(":memory:", &written->store), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { 1 } }, &written->alice, &written->job),
                         0);
        ck_assert_int_eq(job_add_file(written->job, "http://host/", "/dir/file"), 0);
}

/* A change that failed is no part of a transaction that succeeds. */
static int put_and_commit(void *userdata)
{
        Written *written = userdata;
        int put_result = put(written->store, written->job), r = store_commit(written->store);

        ck_assert_msg(r < 0 || put_result >= 0, "a change that failed is committed");
        return r;
}

static void is_written(void *userdata, int result)
{
        Written *written = userdata;
        Owners owners = { 0 };
        Job *loaded;
        int r = store_load_job(written->store, &owners, written->job->id, &loaded);

        ck_assert_int_eq(r, result < 0 ? -ENOENT : 0);
        if (r >= 0) {
                Owner *owner_of = loaded->owner;
                unsigned schemes = 0, implicit = 0;

                ck_assert_uint_eq(loaded->n_files, 1);
                ck_assert_int_eq(store_slot_schemes(written->store,
                                                    loaded,
                                                    AUTH_TARGET_SERVER,
                                                    &schemes,
                                                    &implicit),
                                 0);
                ck_assert_uint_eq(schemes, 1U << AUTH_SCHEME_BASIC);
                job_free(loaded);
                owners_release(&owners, owner_of);
        }
        job_free(written->job);
        store_free(written->store);
}

START_TEST(a_change_that_was_not_put_is_not_committed)
{
        char alice[] = "alice";
        Written written = { .alice = { .uid = 1000, .name = alice } };

        list_init(&written.alice.jobs);
        TORTURE(put_and_commit,
                .prepare = open_store,
                .check = is_written,
                .userdata = &written,
                .step = 7,
                .harmless = true);
}
END_TEST

static Suite *make_suite(void)
{
        const TTest *const *const tests[] = {
                (const TTest *const[]){ strings_and_secrets,
                                        what_text_says,
                                        an_origin_that_cannot_be_compared_is_another,
                                        what_comes_over_the_link,
                                        NULL },
                (const TTest *const[]){ an_answer_its_checksum_and_its_place,
                                        a_temporary_file_is_recorded_or_not_there,
                                        files_are_published_or_can_be,
                                        a_failure_keeps_its_code,
                                        an_origin_is_remembered_or_new,
                                        NULL },
                (const TTest *const[]){ a_configuration_is_whole_or_none,
                                        owners_and_subscribers,
                                        a_job,
                                        a_vault_and_its_rows,
                                        NULL },
                (const TTest *const[]){ a_database_is_not_damaged_for_lack_of_memory,
                                        a_database_that_was_half_made_can_be_made,
                                        a_change_that_was_not_put_is_not_committed,
                                        NULL },
        };
        static const char *const themes[] = { "model", "worker", "manager", "store" };
        Suite *suite = suite_create("no-memory");

        for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
                TCase *tcase = tcase_create(themes[i]);

                tcase_add_checked_fixture(tcase, setup, teardown);
                tcase_set_timeout(tcase, 60);
                for (const TTest *const *test = tests[i]; *test; test++)
                        tcase_add_test(tcase, *test);
                suite_add_tcase(suite, tcase);
        }
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        log_set_max_level(LOG_EMERG);
        no_memory_set_up();
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
