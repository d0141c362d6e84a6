/*
 * Messages of a hostile peer: whatever bytes a body has, wire_read_files(), wire_read_strings(),
 * wire_read_failures() and wire_read_settings() answer or refuse, and what they give can be freed.
 * The body is built from the input as a well-formed message, since sd-bus itself refuses any other.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "model/wire-codec.h"
#include "model/wire-failure.h"
#include "model/wire-settings.h"

/* The next value or string of the input. */
typedef struct Input {
        const uint8_t *data;
        size_t size;
} Input;

static uint64_t take_number(Input *input, size_t size)
{
        uint64_t value = 0;

        if (size > input->size)
                size = input->size;
        memcpy(&value, input->data, size);
        input->data += size;
        input->size -= size;
        return value;
}

/* sd-bus takes only UTF-8 without NUL, so other bytes become letters. */
static char *take_string(Input *input, char buffer[static 256])
{
        size_t size = take_number(input, 1);

        if (size > input->size)
                size = input->size;
        if (size > 255)
                size = 255;
        for (size_t i = 0; i < size; i++)
                buffer[i] = (char) (input->data[i] % 95 + 32);
        buffer[size] = 0;
        input->data += size;
        input->size -= size;
        return buffer;
}

static int append_record(sd_bus_message *m, Input *input)
{
        char remote[256], local[256], temp[256], etag[256], date[256], url[256], headers[256];
        char checksum[256], reason[256], named[256];

        return sd_bus_message_append(m,
                                     "(" WORKER_FILE_SIGNATURE ")",
                                     (uint32_t) take_number(input, 4),
                                     take_string(input, remote),
                                     take_string(input, local),
                                     take_string(input, temp),
                                     take_string(input, etag),
                                     take_string(input, date),
                                     take_string(input, url),
                                     take_string(input, headers),
                                     take_string(input, checksum),
                                     take_string(input, reason),
                                     take_string(input, named),
                                     take_number(input, 8),
                                     take_number(input, 8),
                                     take_number(input, 8),
                                     (int) (take_number(input, 1) & 1),
                                     (uint32_t) take_number(input, 4),
                                     1U, /* one range */
                                     take_number(input, 8),
                                     take_number(input, 8));
}

/* sd-bus makes messages only for a connection; nobody reads this one. */
static sd_bus_message *new_message(void)
{
        static sd_bus *bus;
        sd_bus_message *m = NULL;
        int ends[2];

        if (!bus) {
                assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
                assert(sd_bus_new(&bus) >= 0);
                assert(sd_bus_set_fd(bus, ends[0], ends[0]) >= 0);
                assert(sd_bus_start(bus) >= 0);
        }
        assert(sd_bus_message_new_method_call(bus, &m, NULL, WORKER_PATH, NULL, "Test") >= 0);
        return m;
}

static void seal(sd_bus_message *m)
{
        assert(sd_bus_message_close_container(m) >= 0);
        assert(sd_bus_message_seal(m, 1, 0) >= 0);
        assert(sd_bus_message_rewind(m, 1) >= 0);
}

static void read_records(Input *input)
{
        sd_bus_message *m = new_message();
        FileRecord *records;
        size_t n;

        assert(sd_bus_message_open_container(m, 'a', "(" WORKER_FILE_SIGNATURE ")") >= 0);
        while (input->size > 0)
                assert(append_record(m, input) >= 0);
        seal(m);
        if (wire_read_files(m, 100, &records, &n) >= 0) {
                for (size_t i = 0; i < n; i++)
                        assert(records[i].remote_name && records[i].headers);
                file_records_free(records, n);
        }
        sd_bus_message_unref(m);
}

static void read_strings(Input *input)
{
        sd_bus_message *m = new_message();
        size_t limit = take_number(input, 1), n = 0;
        char buffer[256], **strings;

        assert(sd_bus_message_open_container(m, 'a', "s") >= 0);
        while (input->size > 0) {
                const char *s = take_string(input, buffer);

                assert(sd_bus_message_append(m, "s", s) >= 0);
        }
        seal(m);
        if (wire_read_strings(m, limit, &strings) >= 0) {
                while (strings[n])
                        n++;
                assert(n <= limit);
                strings_free(strings);
        }
        sd_bus_message_unref(m);
}

static void append_failure(sd_bus_message *m, Input *input)
{
        static const char *const contexts[] = { "remote-file", "local-file" };
        char context[256], description[256], url[256];
        size_t known = take_number(input, 1) % (ARRAY_SIZE(contexts) + 1);
        int r;

        r = sd_bus_message_append(m,
                                  "(" WORKER_FAILURE_SIGNATURE ")",
                                  (uint32_t) take_number(input, 1),
                                  (int) (take_number(input, 1) & 1),
                                  (uint32_t) take_number(input, 4),
                                  known < ARRAY_SIZE(contexts) ? contexts[known]
                                                               : take_string(input, context),
                                  take_string(input, description),
                                  take_string(input, url),
                                  take_number(input, 8));
        assert(r >= 0);
}

static void read_failures(Input *input)
{
        static const FileRecord files[] = { { .index = 1 }, { .index = 5 }, { .index = 6 } };
        sd_bus_message *m = new_message();
        FailureList list;

        assert(sd_bus_message_open_container(m, 'a', "(" WORKER_FAILURE_SIGNATURE ")") >= 0);
        while (input->size > 0)
                append_failure(m, input);
        seal(m);
        if (wire_read_failures(m, files, ARRAY_SIZE(files), &list) >= 0) {
                assert(list.n_entries <= ARRAY_SIZE(files));
                for (size_t i = 0; i < list.n_entries; i++)
                        assert(list.entries[i].code != 0 && list.entries[i].file <= 6);
                failure_list_done(&list);
        }
        sd_bus_message_unref(m);
}

/* Keys with values of a type that fits most of them. */
static void read_settings(Input *input)
{
        static const char *const keys[] = { "RedirectPolicy", "CACertificate", "ClientCertificate",
                                            "ClientKey",      "TicketCache",   "ProxySource",
                                            "unknown" };
        sd_bus_message *m = new_message();
        unsigned flags = take_number(input, 1) & 1 ? SETTING_FOR_WORKER : SETTING_FOR_ANY_WORKER;
        char text[256], list[256];
        JobSettings settings;

        assert(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        while (input->size > 0) {
                size_t key = take_number(input, 1) % (ARRAY_SIZE(keys) + 1);
                const char *value = take_string(input, text);
                int r;

                if (key < ARRAY_SIZE(keys))
                        r = sd_bus_message_append(m, "{sv}", keys[key], "s", value);
                else
                        r = sd_bus_message_append(m,
                                                  "{sv}",
                                                  value,
                                                  "as",
                                                  1,
                                                  take_string(input, list));
                assert(r >= 0);
        }
        seal(m);
        if (wire_read_settings(m, flags, &settings) >= 0)
                job_settings_done(&settings);
        sd_bus_message_unref(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Input input = { .data = data, .size = size };

        switch (take_number(&input, 1) % 5) {
        case 1:
        case 3:
                read_records(&input);
                break;
        case 2:
                read_settings(&input);
                break;
        case 4:
                read_failures(&input);
                break;
        default:
                read_strings(&input);
                break;
        }
        return 0;
}
