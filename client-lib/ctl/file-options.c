#include "ctl/file-options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Longest name of an algorithm that is passed on. */
#define ALGORITHM_SIZE 16

/* Stands for a file that has no such option. */
#define NOTHING "-"

/* Lengths of the digests that can be judged here. */
static const struct {
        const char *algorithm;
        size_t n_digits;
} digests[] = {
        { "sha256", 64 },
        { "sha512", 128 },
        { "sha1", 40 },
        { "md5", 32 },
};

static size_t digest_digits(const char *algorithm)
{
        for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
                if (strcmp(digests[i].algorithm, algorithm) == 0)
                        return digests[i].n_digits;
        return 0;
}

/* "SHA256:" is "sha256". False if nothing in front of the colon can be a name. */
static bool digest_algorithm(const char *text, size_t length, char algorithm[static ALGORITHM_SIZE])
{
        if (length == 0 || length >= ALGORITHM_SIZE)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (!isalnum((unsigned char) text[i]))
                        return false;
                algorithm[i] = (char) tolower((unsigned char) text[i]);
        }
        algorithm[length] = '\0';
        return true;
}

/* An algorithm that is not known here goes to the service, which may know it. */
bool file_options_add_digest(dosvc_values *options, const char *text)
{
        const char *digits = text + strcspn(text, ":");
        char algorithm[ALGORITHM_SIZE];
        size_t expected;

        if (*digits != ':' || !digest_algorithm(text, (size_t) (digits - text), algorithm)) {
                ctl_error(
                        "'%s' is not a digest; write sha256:DIGITS, or sha512, sha1, md5 likewise.",
                        text);
                return false;
        }
        digits++;
        expected = digest_digits(algorithm);
        if (*digits == '\0' || digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0') {
                ctl_error("'%s' is not a digest: digits are 0 to 9 and a to f.", text);
                return false;
        }
        if (expected != 0 && strlen(digits) != expected) {
                ctl_error("A digest of %s has %zu digits, this one has %zu: %s",
                          algorithm,
                          expected,
                          strlen(digits),
                          text);
                return false;
        }
        if (dosvc_values_set_string(options, algorithm, digits) < 0)
                exit((int) ctl_out_of_memory());
        return true;
}

/* Reads the digits at *at and moves it behind them. */
static bool range_number(const char **at, uint64_t *ret)
{
        char *end;

        if (!isdigit((unsigned char) **at))
                return false;
        errno = 0;
        *ret = strtoull(*at, &end, 10);
        *at = end;
        return errno == 0 && *ret < DOSVC_UNKNOWN_SIZE;
}

/* "FIRST-LAST" or, to the end, "FIRST-"; with ':' likewise. */
static bool range_add(dosvc_values *options, const char **at)
{
        uint64_t first, last, length = DOSVC_UNKNOWN_SIZE;

        if (!range_number(at, &first) || (**at != '-' && **at != ':'))
                return false;
        (*at)++;
        if (isdigit((unsigned char) **at)) {
                if (!range_number(at, &last) || last < first)
                        return false;
                length = last - first + 1;
        }
        if (dosvc_values_add_range(options, "ranges", first, length) < 0)
                exit((int) ctl_out_of_memory());
        return true;
}

bool file_options_add_ranges(dosvc_values *options, const char *text)
{
        const char *at = text;
        bool good;

        do
                good = range_add(options, &at);
        while (good && *at++ == ',');
        if (good && at[-1] == '\0')
                return true;
        ctl_error("'%s' are not ranges; write FIRST-LAST, the numbers of their first and last byte "
                  "from 0, or FIRST- to the end, separated by commas.",
                  text);
        return false;
}

static ExitStatus file_options_count(const char *option, size_t n, size_t n_files)
{
        if (n == 0 || n == n_files)
                return EXIT_DONE;
        if (n_files == 1)
                ctl_error("There is one file, and --%s is given %zu times.", option, n);
        else
                ctl_error("Give --%s once for each of the %zu files, as %s for one that has none; "
                          "found %zu.",
                          option,
                          n_files,
                          NOTHING,
                          n);
        return EXIT_USAGE;
}

static bool file_options_read_one(const Ctl *ctl, size_t i, dosvc_values *options)
{
        const char *digest = i < ctl->digests.n ? ctl->digests.words[i] : NOTHING;
        const char *ranges = i < ctl->ranges.n ? ctl->ranges.words[i] : NOTHING;

        return (strcmp(digest, NOTHING) == 0 || file_options_add_digest(options, digest)) &&
               (strcmp(ranges, NOTHING) == 0 || file_options_add_ranges(options, ranges));
}

dosvc_values **file_options_free(dosvc_values **options, size_t n_files)
{
        for (size_t i = 0; options && i < n_files; i++)
                dosvc_values_free(options[i]);
        free(options);
        return NULL;
}

ExitStatus file_options_read(const Ctl *ctl, size_t n_files, dosvc_values ***ret)
{
        ExitStatus status = file_options_count("digest", ctl->digests.n, n_files);
        dosvc_values **options;

        *ret = NULL;
        if (status == EXIT_DONE)
                status = file_options_count("range", ctl->ranges.n, n_files);
        if (status != EXIT_DONE || (ctl->digests.n == 0 && ctl->ranges.n == 0))
                return status;
        options = calloc(n_files, sizeof(void *));
        for (size_t i = 0; options && status == EXIT_DONE && i < n_files; i++) {
                options[i] = dosvc_values_new();
                if (!options[i])
                        status = ctl_out_of_memory();
                else if (!file_options_read_one(ctl, i, options[i]))
                        status = EXIT_USAGE;
        }
        if (!options)
                return ctl_out_of_memory();
        if (status == EXIT_DONE)
                *ret = options;
        else
                file_options_free(options, n_files);
        return status;
}
