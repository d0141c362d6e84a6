#include "manager/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#include "model/bypass.h"
#include "model/limits.h"
#include "model/url.h"

static const Config defaults = {
        .max_jobs = 100000,
        .max_jobs_per_user = 1000,
        .max_files_per_job = 10000,
        .max_active_jobs = 100,
        .max_active_jobs_per_user = 10,
        /* Leaves room for logs and small files, and is little on any disk in use. */
        .disk_reserve_bytes = 64ULL << 20,
        .idle_exit_sec = 60,
        .max_retry_delay_sec = 3600,
        .log_level = LOG_INFO,
};

typedef struct ConfigKey ConfigKey;

struct ConfigKey {
        const char *section, *name;
        /* add: the same file has set the key before; lists grow then. */
        int (*parse)(const ConfigKey *key,
                     void *field,
                     const char *value,
                     bool add,
                     const char **reason);
        size_t offset;
        uint64_t min, max;
        const char *reach; /* to what a change applies that is made by a reload; NULL: to all */
};

static int
parse_number(const ConfigKey *key, void *field, const char *value, bool add, const char **reason)
{
        uint64_t number;

        if (str_parse_u64(value, key->max, &number) < 0 || number < key->min) {
                *reason = "must be a whole number within its range";
                return -EINVAL;
        }
        memcpy(field, &number, sizeof(number));
        return 0;
}

/* A number of bytes; K, M, G and T stand for 1024, 1024^2 and so on. */
static int
parse_bytes(const ConfigKey *key, void *field, const char *value, bool add, const char **reason)
{
        static const char units[] = "KMGT";
        size_t length = strlen(value);
        const char *unit = length > 0 ? strchr(units, value[length - 1]) : NULL;
        unsigned shift = unit ? 10 * (unsigned) (unit - units + 1) : 0;
        _cleanup_free_ char *digits = strndup(value, unit ? length - 1 : length);
        uint64_t number;

        if (!digits)
                return -ENOMEM;
        if (str_parse_u64(digits, key->max >> shift, &number) < 0 || number << shift < key->min) {
                *reason = "must be a number of bytes within its range, or one with K, M, G or T";
                return -EINVAL;
        }
        number <<= shift;
        memcpy(field, &number, sizeof(number));
        return 0;
}

static int
parse_level(const ConfigKey *key, void *field, const char *value, bool add, const char **reason)
{
        static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                             "warning", "notice", "info", "debug" };

        for (uint64_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(value, names[i]) == 0) {
                        memcpy(field, &i, sizeof(i));
                        return 0;
                }
        *reason = "must be one of emerg, alert, crit, err, warning, notice, info, debug";
        return -EINVAL;
}

/*
 * Words separated by spaces. Several lines of one key in one file add up, so that a list can be
 * longer than a line. The first line in a file replaces the list of an earlier file, and an empty
 * value empties the list.
 */
static int
parse_words(const char *value, bool proxies, bool add, char ***field, const char **reason)
{
        _cleanup_(strings_freep) char **words = NULL;
        _cleanup_free_ char *copy = strdup(value);
        char *state = NULL;

        if (!copy || strings_copy(add && value[0] != '\0' ? *field : NULL, &words) < 0)
                return -ENOMEM;
        for (char *word = strtok_r(copy, " \t", &state); word;
             word = strtok_r(NULL, " \t", &state)) {
                _cleanup_free_ char *url = NULL;
                int r = proxies ? url_parse_proxy(word, &url, reason) : bypass_check(word, reason);

                if (r >= 0)
                        r = strings_append(&words, url ? url : word);
                if (r < 0)
                        return r;
        }
        strings_free(*field);
        *field = STEAL_PTR(words);
        return 0;
}

static int
parse_proxies(const ConfigKey *key, void *field, const char *value, bool add, const char **reason)
{
        return parse_words(value, true, add, field, reason);
}

static int
parse_bypass(const ConfigKey *key, void *field, const char *value, bool add, const char **reason)
{
        return parse_words(value, false, add, field, reason);
}

#define NUMBER_FOR(reach, section, name, member, min, max)                                         \
        {                                                                                          \
                (section), (name), parse_number, offsetof(Config, member), (min), (max), (reach)   \
        }
#define NUMBER(...) NUMBER_FOR(NULL, __VA_ARGS__)

static const ConfigKey keys[] = {
        NUMBER("Limits", "MaxJobs", max_jobs, 1, 1000000),
        NUMBER("Limits", "MaxJobsPerUser", max_jobs_per_user, 1, 1000000),
        NUMBER("Limits", "MaxFilesPerJob", max_files_per_job, 1, 100000),
        NUMBER("Limits", "MaxActiveJobs", max_active_jobs, 1, LIMIT_ACTIVE_JOBS),
        NUMBER("Limits", "MaxActiveJobsPerUser", max_active_jobs_per_user, 1, LIMIT_ACTIVE_JOBS),
        { "Limits",
          "DiskReserve",
          parse_bytes,
          offsetof(Config, disk_reserve_bytes),
          0,
          UINT64_C(1) << 50,
          "for downloads that start from now on" },
        { "Proxy", "Proxy", parse_proxies, offsetof(Config, proxies), 0, 0, NULL },
        { "Proxy", "ProxyBypass", parse_bypass, offsetof(Config, proxy_bypass), 0, 0, NULL },
        NUMBER("Service", "IdleExitSec", idle_exit_sec, 0, 1000000000),
        NUMBER_FOR("for new jobs",
                   "Service",
                   "MinimumRetryDelaySec",
                   job_defaults.minimum_retry_delay_sec,
                   1,
                   86400),
        NUMBER("Service", "MaximumRetryDelaySec", max_retry_delay_sec, 1, 86400),
        { "Service", "LogLevel", parse_level, offsetof(Config, log_level), 0, 0, NULL },
};

/* At start a problem is a warning; a reload is refused for the first one. */
typedef struct ConfigLoad {
        Config *config;
        bool strict;
        char *problem;  /* owned */
        bool no_memory; /* something could not be taken over for lack of memory */
} ConfigLoad;

typedef struct ConfigFile {
        ConfigLoad *load;
        const char *path;
        FILE *stream;
        int n_lines;
        bool seen[ARRAY_SIZE(keys)]; /* the keys that the file has set so far */
} ConfigFile;

/* "PATH:LINE: text"; line 0: the whole file. */
_printf_(4, 5) static void complain(ConfigLoad *load,
                                    const char *path,
                                    int line,
                                    const char *format,
                                    ...)
{
        _cleanup_free_ char *text = NULL;
        char number[16] = "";
        va_list args;
        int r;

        if (line > 0)
                (void) snprintf(number, sizeof(number), ":%d", line);
        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0) {
                text = NULL; /* vasprintf() leaves it undefined */
                load->no_memory = true;
                return;
        }
        if (!load->strict)
                log_warning("%s%s: %s, ignoring", path, number, text);
        else if (!load->problem && str_format(&load->problem, "%s%s: %s", path, number, text) < 0)
                load->no_memory = true;
}

/* For inih; always returns 1, so that it goes on after a faulty line. */
static int take_line(void *userdata, const char *section, const char *name, const char *value)
{
        ConfigFile *file = userdata;
        const char *reason = "cannot be used";

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                bool shown = keys[i].parse != parse_proxies; /* the value may hold a password */
                bool add = file->seen[i];
                int r;

                if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
                        continue;
                file->seen[i] = true;
                r = keys[i].parse(&keys[i],
                                  (char *) file->load->config + keys[i].offset,
                                  value,
                                  add,
                                  &reason);
                if (r == -ENOMEM)
                        file->load->no_memory = true;
                else if (r < 0)
                        complain(file->load,
                                 file->path,
                                 file->n_lines,
                                 "[%s] %s%s%s %s",
                                 section,
                                 name,
                                 shown ? "=" : "",
                                 shown ? value : "",
                                 reason);
                return 1;
        }
        log_warning("%s:%d: unknown key %s in section [%s], ignoring",
                    file->path,
                    file->n_lines,
                    name,
                    section);
        return 1;
}

/*
 * An ini_reader, which works as fgets(3). libinih has room for a limited line, and would take the
 * rest of a longer one for the next line, and a host name that is cut for another host.
 */
static char *read_line(char *line, int size, void *userdata)
{
        ConfigFile *file = userdata;
        size_t length;
        int c;

        if (!fgets(line, size, file->stream))
                return NULL;
        file->n_lines++;
        length = strlen(line);
        if ((length > 0 && line[length - 1] == '\n') || feof(file->stream))
                return line;
        do
                c = fgetc(file->stream);
        while (c != EOF && c != '\n');
        complain(file->load,
                 file->path,
                 file->n_lines,
                 "the line is longer than %d bytes",
                 size - 2);
        line[0] = '\n';
        line[1] = '\0';
        return line;
}

static void read_file(ConfigLoad *load, const char *path)
{
        FILE *stream = fopen(path, "re");
        ConfigFile file = { .load = load, .path = path, .stream = stream };
        int line;

        if (!stream) {
                if (errno == ENOMEM)
                        load->no_memory = true;
                else if (errno != ENOENT)
                        complain(load, path, 0, "cannot be read: %s", strerrordesc_np(errno));
                return;
        }
        line = ini_parse_stream(read_line, &file, take_line, &file);
        if (line > 0)
                complain(load, path, line, "the line is neither [section] nor key=value");
        else if (line < 0 || ferror(stream))
                complain(load, path, 0, "cannot be read to its end");
        (void) fclose(stream);
}

static void read_drop_in(ConfigLoad *load, const char *directory, const char *name)
{
        _cleanup_free_ char *path = NULL;

        if (str_format(&path, "%s/%s", directory, name) < 0)
                load->no_memory = true;
        else
                read_file(load, path);
}

static int is_drop_in(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 &&
               strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void read_drop_ins(ConfigLoad *load, const char *directory)
{
        struct dirent **entries = NULL;
        int n = scandir(directory, &entries, is_drop_in, alphasort);

        if (n < 0 && errno == ENOMEM)
                load->no_memory = true;
        else if (n < 0 && errno != ENOENT)
                complain(load, directory, 0, "cannot be read: %s", strerrordesc_np(errno));
        for (int i = 0; i < n; i++) {
                read_drop_in(load, directory, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
}

static void check_delays(ConfigLoad *load, const char *path)
{
        Config *config = load->config;
        uint64_t min = config->job_defaults.minimum_retry_delay_sec;

        if (config->max_retry_delay_sec >= min)
                return;
        complain(load,
                 path,
                 0,
                 "MaximumRetryDelaySec=%lu is below MinimumRetryDelaySec=%lu",
                 config->max_retry_delay_sec,
                 min);
        config->max_retry_delay_sec = min;
}

/* Lack of memory is an error in any case, because the configuration would be incomplete. */
static int read_all(ConfigLoad *load, const char *path)
{
        _cleanup_free_ char *directory = NULL;
        Config *config = load->config;
        int r;

        *config = defaults;
        job_settings_init(&config->job_defaults);
        r = strings_copy(NULL, &config->proxies);
        if (r >= 0)
                r = strings_copy(NULL, &config->proxy_bypass);
        if (r >= 0)
                r = str_format(&directory, "%s.d", path);
        if (r < 0)
                return r;
        read_file(load, path);
        read_drop_ins(load, directory);
        check_delays(load, path);
        return load->no_memory ? -ENOMEM : 0;
}

static bool is_same(const ConfigKey *key, const Config *a, const Config *b)
{
        const char *one = (const char *) a + key->offset, *other = (const char *) b + key->offset;
        char **list, **other_list;

        if (key->parse != parse_proxies && key->parse != parse_bypass)
                return memcmp(one, other, sizeof(uint64_t)) == 0;
        memcpy(&list, one, sizeof(list));
        memcpy(&other_list, other, sizeof(other_list));
        while (*list && *other_list && strcmp(*list, *other_list) == 0) {
                list++;
                other_list++;
        }
        return !*list && !*other_list;
}

/* "MaxJobs=, DiskReserve= (for downloads that start from now on)": no values, see take_line(). */
static int describe_changes(const Config *before, const Config *after, char **ret)
{
        _cleanup_free_ char *text = strdup("");

        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                const char *reach = keys[i].reach;
                char *longer;

                if (is_same(&keys[i], before, after))
                        continue;
                if (str_format(&longer,
                               "%s%s%s=%s%s%s",
                               text,
                               *text ? ", " : "",
                               keys[i].name,
                               reach ? " (" : "",
                               reach ? reach : "",
                               reach ? ")" : "") < 0)
                        return -ENOMEM;
                free(text);
                text = longer;
        }
        *ret = STEAL_PTR(text);
        return 0;
}

int config_load(Config *config, const char *path)
{
        return read_all(&(ConfigLoad){ .config = config }, path);
}

int config_reload(Config *config, const char *path, char **ret_changes, char **ret_problem)
{
        _cleanup_free_ char *changes = NULL;
        Config fresh = { 0 }, before;
        ConfigLoad loading = { .config = &fresh, .strict = true };
        int r = read_all(&loading, path);

        if (r >= 0 && loading.problem)
                r = -EINVAL;
        if (r >= 0)
                r = describe_changes(config, &fresh, &changes);
        if (r >= 0) {
                before = *config;
                *config = fresh;
                fresh = before;
                *ret_changes = STEAL_PTR(changes);
        } else if (r == -EINVAL) {
                *ret_problem = STEAL_PTR(loading.problem);
        }
        config_done(&fresh);
        free(loading.problem);
        return r;
}

void config_done(Config *config)
{
        config->proxies = strings_free(config->proxies);
        config->proxy_bypass = strings_free(config->proxy_bypass);
        job_settings_done(&config->job_defaults);
}
