#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "worker/http/resume.h"

#define UNKNOWN  DOSVC_SIZE_UNKNOWN
#define URL      "http://host/file?key=1"
#define STRONG   "\"a\""
#define WEAK     "W/\"a\""
#define MODIFIED "Thu, 29 Feb 2024 10:00:00 GMT"
#define LATER    "HTTP/1.1 200 OK\nDate: Fri, 01 Mar 2024 12:00:00 GMT\n"
#define AT_ONCE  "HTTP/1.1 200 OK\nDate: Thu, 29 Feb 2024 10:00:00 GMT\n"

static char *text(const char *literal)
{
        return (char *) (uintptr_t) literal;
}

/* Strings are literals: never to be freed. */
static FileRecord record_of(const char *etag,
                            const char *modified,
                            const char *headers,
                            uint64_t offset,
                            uint64_t total)
{
        return (FileRecord){
                .etag = text(etag),
                .last_modified = text(modified),
                .headers = text(headers),
                .effective_url = text(URL),
                .coding = text(""),
                .checksum = text(""),
                .offset_bytes = offset,
                .total_bytes = total,
        };
}

START_TEST(a_part_is_asked_for_by_the_strongest_validator)
{
        static const struct {
                const char *etag, *modified, *headers;
                uint64_t offset, total;
                const char *if_range; /* NULL: the whole file is asked for */
        } cases[] = {
                { STRONG, "", "", 5, 10, STRONG },
                { STRONG, "", "", 5, UNKNOWN, STRONG },
                { STRONG, MODIFIED, LATER, 5, 10, STRONG },
                { STRONG, "", "", 0, 10, NULL },
                /* the same without its quotes */
                { "a", "", "", 5, 10, "a" },
                { "W/a", "", "", 5, 10, NULL },
                { WEAK, "", "", 5, 10, NULL },
                /* A weak entity tag proves nothing by itself. */
                { WEAK, MODIFIED, AT_ONCE, 5, 10, NULL },
                { WEAK, MODIFIED, LATER, 5, UNKNOWN, NULL },
                { WEAK, MODIFIED, LATER, 5, 10, MODIFIED },
                { "", MODIFIED, LATER, 5, 10, MODIFIED },
                { "", MODIFIED, LATER, 5, UNKNOWN, NULL },
                { "", MODIFIED, AT_ONCE, 5, 10, NULL },
                { "", MODIFIED, "", 5, 10, NULL },
                { "", MODIFIED, "Date: never\n", 5, 10, NULL },
                { "", "", LATER, 5, 10, NULL },
                { "", "", "", 5, 10, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = record_of(cases[i].etag,
                                              cases[i].modified,
                                              cases[i].headers,
                                              cases[i].offset,
                                              cases[i].total);
                ResumePlan plan = resume_plan(&record, cases[i].offset, URL, RESUME_VALIDATOR_ETAG);

                ck_assert_msg((plan.if_range != NULL) == (cases[i].if_range != NULL), "%zu", i);
                ck_assert_uint_eq(plan.from, cases[i].if_range ? cases[i].offset : 0);
                if (cases[i].if_range)
                        ck_assert_str_eq(plan.if_range, cases[i].if_range);
        }
}
END_TEST

START_TEST(each_validator_is_used_if_the_record_supports_it)
{
        static const struct {
                const char *etag, *modified, *headers;
                uint64_t total;
                ResumeValidator first, used, next; /* next: after used */
        } cases[] = {
                { STRONG, MODIFIED, LATER, 10, RESUME_VALIDATOR_ETAG, RESUME_VALIDATOR_ETAG, 1 },
                { STRONG, MODIFIED, LATER, 10, RESUME_VALIDATOR_DATE, RESUME_VALIDATOR_DATE, 2 },
                { STRONG,
                  MODIFIED,
                  LATER,
                  10,
                  RESUME_VALIDATOR_COMPARISON,
                  RESUME_VALIDATOR_COMPARISON,
                  3 },
                { STRONG, MODIFIED, AT_ONCE, 10, RESUME_VALIDATOR_ETAG, RESUME_VALIDATOR_ETAG, 2 },
                { STRONG,
                  MODIFIED,
                  AT_ONCE,
                  10,
                  RESUME_VALIDATOR_DATE,
                  RESUME_VALIDATOR_COMPARISON,
                  3 },
                /* nothing to compare the size with: a stronger validator is better than none */
                { STRONG,
                  MODIFIED,
                  LATER,
                  UNKNOWN,
                  RESUME_VALIDATOR_COMPARISON,
                  RESUME_VALIDATOR_ETAG,
                  3 },
                { WEAK, MODIFIED, LATER, 10, RESUME_VALIDATOR_ETAG, RESUME_VALIDATOR_DATE, 2 },
                { WEAK, MODIFIED, AT_ONCE, 10, RESUME_VALIDATOR_ETAG, RESUME_VALIDATORS_MAX, 3 },
                { "", "", "", 10, RESUME_VALIDATOR_COMPARISON, RESUME_VALIDATORS_MAX, 3 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = record_of(cases[i].etag,
                                              cases[i].modified,
                                              cases[i].headers,
                                              5,
                                              cases[i].total);
                ResumePlan plan = resume_plan(&record, 5, URL, cases[i].first);

                ck_assert_msg(plan.validator == cases[i].used, "%zu", i);
                ck_assert_uint_eq(plan.from, cases[i].used == RESUME_VALIDATORS_MAX ? 0 : 5);
                ck_assert_int_eq(plan.if_range != NULL,
                                 cases[i].used < RESUME_VALIDATOR_COMPARISON);
                if (cases[i].used < RESUME_VALIDATORS_MAX)
                        ck_assert_msg(resume_next_validator(&record, plan.validator) ==
                                              cases[i].next,
                                      "%zu",
                                      i);
        }
}
END_TEST

START_TEST(another_resource_is_asked_for_the_whole_file)
{
        static const struct {
                const char *url;
                bool same;
        } urls[] = {
                { URL, true },
                { "http://host/file?key=2", true },
                { "http://host/file", true },
                { "http://host/file2", false },
                { "http://host/fil", false },
                { "https://host/file?key=1", false },
                { "http://host:81/file?key=1", false },
                { "http://other/file?key=1", false },
                { "", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
                FileRecord record = record_of(STRONG, "", "", 5, 10);

                ck_assert_msg((resume_plan(&record, 5, urls[i].url, RESUME_VALIDATOR_ETAG).from ==
                               5) == urls[i].same,
                              "%s",
                              urls[i].url);
        }
}
END_TEST

/* An answer to "bytes=5-" of a file of 10 bytes, unless the columns say otherwise. */
static const struct {
        const char *etag, *modified; /* recorded */
        uint64_t total;              /* recorded */
        const char *head;
        ResumeDecision decision;
} answers[] = {
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10", RESUME_APPEND },
        { STRONG,
          "",
          UNKNOWN,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { STRONG,
          "",
          10,
          "206 x\nContent-Length: 5\nETag: " STRONG "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { "", MODIFIED, 10, "206 x\nContent-Range: bytes 5-9/10", RESUME_TRY_NEXT },
        { "",
          MODIFIED,
          10,
          "206 x\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },

        /* less than was asked for */
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-8/10", RESUME_APPEND },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-5/10", RESUME_APPEND },
        { STRONG,
          "",
          10,
          "206 x\nContent-Length: 5\nETag: " STRONG "\nContent-Range: bytes 5-8/10",
          RESUME_RESTART },

        /* the total is on record */
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/*", RESUME_APPEND },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-7/*", RESUME_APPEND },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-10/*", RESUME_RESTART },
        { STRONG,
          "",
          UNKNOWN,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/*",
          RESUME_RESTART },
        { STRONG, "", 10, "206 x\nContent-Range: bytes 5-9/*", RESUME_TRY_NEXT },
        { "",
          MODIFIED,
          10,
          "206 x\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/*",
          RESUME_APPEND },

        /* a malformed field beside one that suffices, and one without its quotes */
        { STRONG, "", 10, "206 x\nETag: a\nContent-Range: bytes 5-9/10", RESUME_APPEND },
        { "a", "", 10, "206 x\nETag: a\nContent-Range: bytes 5-9/10", RESUME_APPEND },
        { "a", "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10", RESUME_APPEND },
        { "a", "", 10, "206 x\nETag: b\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: W/a\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nETag: " STRONG "\nLast-Modified: now\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { "",
          MODIFIED,
          10,
          "206 x\nETag: \"a\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { STRONG,
          MODIFIED,
          10,
          "206 x\nETag: \"a\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { STRONG, MODIFIED, 10, "206 x\nETag: \"a\nContent-Range: bytes 5-9/10", RESUME_TRY_NEXT },
        { "",
          MODIFIED,
          10,
          "206 x\nLast-Modified: Thursday, 29-Feb-24 10:00:00 GMT\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },

        /* the wrong part */
        { STRONG, "", 10, "206 x\nETag: " STRONG, RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 4-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 6-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 0-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: " STRONG "\nContent-Range: bytes 5-10/11", RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10 ,",
          RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10\nContent-Range: bytes 0-9/10",
          RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nContent-Length: 6\nETag: " STRONG "\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nContent-Length: 5\nContent-Length: 6\nETag: " STRONG
          "\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },

        /* another version */
        { STRONG, "", 10, "206 x\nETag: \"b\"\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nETag: " WEAK "\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { STRONG, "", 10, "206 x\nContent-Range: bytes 5-9/10", RESUME_TRY_NEXT },
        { STRONG, "", UNKNOWN, "206 x\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nETag: " STRONG "\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },
        { STRONG,
          "",
          10,
          "206 x\nETag: " STRONG "\nETag: \"b\"\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },
        { "", MODIFIED, 10, "206 x\nETag: \"b\"\nContent-Range: bytes 5-9/10", RESUME_RESTART },
        { "",
          MODIFIED,
          10,
          "206 x\nLast-Modified: Thu, 29 Feb 2024 10:00:01 GMT\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },

        /* nothing behind the end */
        { STRONG,
          "",
          UNKNOWN,
          "416 x\nETag: " STRONG "\nContent-Range: bytes */5",
          RESUME_COMPLETE },
        { STRONG, "", 5, "416 x\nETag: " STRONG "\nContent-Range: bytes */5", RESUME_COMPLETE },
        { STRONG, "", 10, "416 x\nETag: " STRONG "\nContent-Range: bytes */5", RESUME_RESTART },
        { STRONG,
          "",
          UNKNOWN,
          "416 x\nETag: " STRONG "\nContent-Range: bytes */4",
          RESUME_RESTART },
        { STRONG, "", UNKNOWN, "416 x\nETag: \"b\"\nContent-Range: bytes */5", RESUME_RESTART },
        { STRONG, "", UNKNOWN, "416 x\nContent-Range: bytes */5", RESUME_RESTART },
        { STRONG, "", UNKNOWN, "416 x\nETag: " STRONG, RESUME_RESTART },
        { "", MODIFIED, 10, "416 x\nContent-Range: bytes */5", RESUME_RESTART },

        /* all of it */
        { STRONG, "", 10, "200 x\nETag: \"b\"", RESUME_FROM_START },
        { STRONG, "", 10, "203 x\nETag: \"b\"", RESUME_FROM_START },
        { STRONG, "", 10, "200 x\nContent-Length: 5\nContent-Length: 6", RESUME_INVALID },
};

static Head head_of(const char *lines)
{
        _cleanup_free_ char *copy = malloc(strlen(lines) + 10);
        Head head;

        ck_assert_ptr_nonnull(copy);
        (void) stpcpy(stpcpy(copy, "HTTP/1.1 "), lines);
        head_init(&head);
        for (const char *line = copy; *line;) {
                size_t size = strcspn(line, "\n");

                ck_assert_int_eq(head_add_line(&head, line, size), 0);
                line += size + (line[size] ? 1 : 0);
        }
        return head;
}

START_TEST(an_answer_to_a_part_continues_restarts_or_ends)
{
        FileRecord record =
                record_of(answers[_i].etag, answers[_i].modified, LATER, 5, answers[_i].total);
        ResumePlan plan = {
                .validator = record.etag[0] ? RESUME_VALIDATOR_ETAG : RESUME_VALIDATOR_DATE,
                .continues = true,
                .from = 5,
        };
        Head head = head_of(answers[_i].head);

        ck_assert_msg(resume_decide(&record, &plan, &head) == answers[_i].decision,
                      "%s",
                      answers[_i].head);
        head_done(&head);
}
END_TEST

/* Answers to "bytes=5-" of a file of 10 bytes with everything that a record can have. */
static const struct {
        ResumeValidator validator;
        const char *head;
        ResumeDecision decision;
} steps[] = {
        /* the same file, whole: the server did not understand */
        { RESUME_VALIDATOR_ETAG, "200 x\nETag: " STRONG "\nContent-Length: 10", RESUME_TRY_NEXT },
        { RESUME_VALIDATOR_ETAG, "203 x\nLast-Modified: " MODIFIED, RESUME_TRY_NEXT },
        { RESUME_VALIDATOR_DATE, "200 x\nETag: " STRONG, RESUME_TRY_NEXT },
        { RESUME_VALIDATOR_DATE, "412 x", RESUME_TRY_NEXT },
        { RESUME_VALIDATOR_COMPARISON, "200 x\nETag: " STRONG, RESUME_FROM_START },
        { RESUME_VALIDATOR_COMPARISON, "412 x", RESUME_RESTART },
        /* another file, or a server that says what it cannot */
        { RESUME_VALIDATOR_ETAG, "200 x\nETag: \"b\"", RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG, "200 x\nETag: " WEAK, RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG, "200 x\nETag: " STRONG "\nContent-Length: 11", RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG,
          "200 x\nETag: " STRONG "\nLast-Modified: Thu, 29 Feb 2024 10:00:01 GMT",
          RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG,
          "200 x\nETag: " STRONG "\nAccept-Ranges: none",
          RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG, "200 x", RESUME_FROM_START },
        { RESUME_VALIDATOR_ETAG,
          "200 x\nETag: " STRONG "\nContent-Encoding: gzip",
          RESUME_FROM_START },
        /* parts */
        { RESUME_VALIDATOR_DATE,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { RESUME_VALIDATOR_DATE, "206 x\nContent-Range: bytes 5-9/10", RESUME_TRY_NEXT },
        { RESUME_VALIDATOR_COMPARISON,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-9/10",
          RESUME_APPEND },
        { RESUME_VALIDATOR_COMPARISON,
          "206 x\nLast-Modified: " MODIFIED "\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },
        { RESUME_VALIDATOR_COMPARISON,
          "206 x\nETag: " STRONG "\nContent-Range: bytes 5-10/11",
          RESUME_RESTART },
        { RESUME_VALIDATOR_COMPARISON,
          "206 x\nETag: " STRONG "\nLast-Modified: Thu, 29 Feb 2024 10:00:01 GMT\n"
          "Content-Range: bytes 5-9/10",
          RESUME_RESTART },
        { RESUME_VALIDATOR_ETAG,
          "206 x\nETag: " STRONG "\nContent-Encoding: gzip\nContent-Range: bytes 5-9/10",
          RESUME_RESTART },
};

START_TEST(a_whole_file_instead_of_a_part_is_asked_for_in_other_words)
{
        FileRecord record = record_of(STRONG, MODIFIED, LATER, 5, 10);
        ResumePlan plan = { .continues = true, .validator = steps[_i].validator, .from = 5 };
        Head head = head_of(steps[_i].head);

        ck_assert_msg(resume_decide(&record, &plan, &head) == steps[_i].decision,
                      "%s",
                      steps[_i].head);
        ck_assert_str_ne(resume_restart_reason(&record, &plan, &head), "");
        head_done(&head);
}
END_TEST

START_TEST(bytes_of_one_coding_are_continued_in_the_same_coding_only)
{
        static const struct {
                const char *recorded;
                const char *answered; /* a line, or "" */
                ResumeDecision decision;
        } codings[] = {
                { "", "", RESUME_APPEND },
                { "", "Content-Encoding: identity\n", RESUME_APPEND },
                { "", "Content-Encoding: gzip\n", RESUME_RESTART },
                { "gzip", "", RESUME_RESTART },
                { "gzip", "Content-Encoding: identity\n", RESUME_RESTART },
                { "gzip", "Content-Encoding: gzip\n", RESUME_APPEND },
                { "gzip", "Content-Encoding: x-gzip\n", RESUME_APPEND },
                { "gzip", "Content-Encoding: br\n", RESUME_RESTART },
                { "gzip,br", "Content-Encoding: br, gzip\n", RESUME_RESTART },
                { "gzip,br", "Content-Encoding: gzip\nContent-Encoding: br\n", RESUME_APPEND },
                { "?", "", RESUME_RESTART },
                { "?", "Content-Encoding: g?\n", RESUME_RESTART },
                { "?", "Content-Encoding: gzip\n", RESUME_RESTART },
        };

        for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
                FileRecord record = record_of(STRONG, MODIFIED, LATER, 5, 10);
                ResumePlan plan = { .continues = true, .from = 5 };
                _cleanup_free_ char *lines = NULL;
                Head head;

                record.coding = text(codings[i].recorded);
                ck_assert_int_gt(asprintf(&lines,
                                          "206 x\nETag: " STRONG "\n%sContent-Range: bytes 5-9/10",
                                          codings[i].answered),
                                 0);
                head = head_of(lines);
                ck_assert_msg(resume_decide(&record, &plan, &head) == codings[i].decision,
                              "%s, %s",
                              codings[i].recorded,
                              codings[i].answered);
                head_done(&head);
        }
}
END_TEST

/* Answers to a request for the whole of a file of 10 bytes, of which there are 5 already. */
static const struct {
        const char *etag, *modified, *type; /* recorded */
        bool elsewhere;
        const char *head;
        ResumeDecision decision;
} arrivals[] = {
        /* a login page, wherever it comes from and whatever it says of itself */
        { STRONG, "", "", true, "200 x\nContent-Type: text/html", RESUME_REFUSE },
        { STRONG, "", "", false, "200 x\nContent-Type: text/html", RESUME_REFUSE },
        { "", MODIFIED, "image/x", true, "200 x\nContent-Type: text/html;a=b", RESUME_REFUSE },
        { STRONG,
          "",
          "image/x",
          true,
          "200 x\nETag: \"p\"\nContent-Type: text/html\nContent-Length: 4",
          RESUME_REFUSE },
        { "", "", "image/x", true, "200 x\nContent-Type: application/xhtml+xml", RESUME_REFUSE },
        /* what names no version any more, and differs besides */
        { STRONG, "", "", true, "200 x", RESUME_REFUSE },
        { STRONG, "", "", false, "200 x\nContent-Length: 4", RESUME_REFUSE },
        { WEAK, "", "", false, "200 x\nContent-Length: 40", RESUME_REFUSE },
        { STRONG, "", "image/x", false, "200 x\nContent-Type: text/plain", RESUME_REFUSE },
        { STRONG, "", "text/html", true, "200 x\nContent-Type: text/html", RESUME_REFUSE },
        /* versions of the file */
        { STRONG, "", "", false, "200 x", RESUME_FROM_START },
        { STRONG, "", "", true, "200 x\nContent-Length: 10", RESUME_FROM_START },
        { STRONG, "", "image/x", true, "200 x\nETag: \"b\"\nContent-Length: 4", RESUME_FROM_START },
        { STRONG, "", "", true, "200 x\nLast-Modified: " MODIFIED, RESUME_FROM_START },
        { STRONG,
          "",
          "text/html",
          false,
          "200 x\nETag: \"b\"\nContent-Type: text/html",
          RESUME_FROM_START },
        /* nothing was known before, or a page had come for the file */
        { "", "", "", true, "200 x\nContent-Length: 4", RESUME_FROM_START },
        { STRONG, "", "text/html", true, "200 x\nContent-Type: image/x", RESUME_FROM_START },
};

START_TEST(what_is_no_version_of_the_file_does_not_replace_it)
{
        _cleanup_free_ char *headers = NULL;
        ResumePlan plan = { .elsewhere = arrivals[_i].elsewhere };
        Head head = head_of(arrivals[_i].head);
        FileRecord record;

        ck_assert_int_gt(asprintf(&headers,
                                  "%s%s%s",
                                  LATER,
                                  arrivals[_i].type[0] ? "Content-Type: " : "",
                                  arrivals[_i].type),
                         0);
        record = record_of(arrivals[_i].etag, arrivals[_i].modified, headers, 5, 10);
        ck_assert_msg(resume_decide(&record, &plan, &head) == arrivals[_i].decision,
                      "%s",
                      arrivals[_i].head);
        /* Without a version on record there is nothing to compare with. */
        record.effective_url = text("");
        ck_assert_int_eq(resume_decide(&record, &plan, &head), RESUME_FROM_START);
        head_done(&head);
}
END_TEST

START_TEST(another_resource_continues_by_a_strong_etag_and_a_checksum)
{
        static const struct {
                const char *etag, *modified, *checksum, *url;
                bool continues, joins, elsewhere;
        } cases[] = {
                { STRONG, "", "md5:00", "http://other/file", true, true, true },
                { STRONG, "", "md5:00", "http://host/other", true, true, false },
                { STRONG, "", "md5:00", URL, true, false, false },
                { "a", "", "md5:00", "http://other/file", true, true, true },
                { STRONG, "", "", "http://other/file", false, false, true },
                { WEAK, MODIFIED, "md5:00", "http://other/file", false, false, true },
                { "", MODIFIED, "md5:00", "http://other/file", false, false, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = record_of(cases[i].etag, cases[i].modified, LATER, 5, 10);
                ResumePlan plan;

                record.checksum = text(cases[i].checksum);
                plan = resume_plan(&record, 5, cases[i].url, RESUME_VALIDATOR_ETAG);
                ck_assert_msg(plan.continues == cases[i].continues, "%zu", i);
                ck_assert_msg(plan.joins == cases[i].joins, "%zu", i);
                ck_assert_msg(plan.elsewhere == cases[i].elsewhere, "%zu", i);
        }
}
END_TEST

START_TEST(a_part_is_short_if_some_of_it_is_left_to_ask_for)
{
        static const struct {
                uint64_t length;
                const char *range;
                bool is_short;
        } cases[] = {
                { 0, "5-9/10", false }, { 0, "5-8/10", true }, { 0, "5-9/*", false },
                { 3, "5-7/10", false }, { 3, "5-6/10", true }, { 3, "5-6/*", true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ResumePlan plan = { .from = 5, .length_bytes = cases[i].length };
                _cleanup_free_ char *lines = NULL;
                Head head;

                ck_assert_int_gt(asprintf(&lines, "206 x\nContent-Range: bytes %s", cases[i].range),
                                 0);
                head = head_of(lines);
                ck_assert_msg(resume_is_short(&plan, &head) == cases[i].is_short, "%zu", i);
                head_done(&head);
        }
}
END_TEST

/* With no strong entity tag a part alone must repeat the date. */
START_TEST(a_bare_part_without_a_date_is_not_compared)
{
        FileRecord record = record_of(WEAK, MODIFIED, LATER, 5, 10);
        ResumePlan plan = { .continues = true,
                            .validator = RESUME_VALIDATOR_COMPARISON,
                            .from = 5 };
        Head head = head_of("206 x\nETag: " WEAK "\nContent-Range: bytes 5-9/10");

        ck_assert_int_eq(resume_decide(&record, &plan, &head), RESUME_RESTART);
        head_done(&head);
        head = head_of("206 x\nETag: " WEAK "\nLast-Modified: " MODIFIED
                       "\nContent-Range: bytes 5-9/10");
        ck_assert_int_eq(resume_decide(&record, &plan, &head), RESUME_APPEND);
        head_done(&head);
}
END_TEST

START_TEST(a_part_is_refused_when_the_whole_was_asked_for)
{
        FileRecord record = record_of("", "", "", 0, UNKNOWN);
        ResumePlan plan = { 0 };
        Head head = head_of("206 x\nContent-Range: bytes 0-9/10");

        ck_assert_int_eq(resume_decide(&record, &plan, &head), RESUME_INVALID);
        head_done(&head);
}
END_TEST

START_TEST(the_total_is_the_file_s_not_the_part_s)
{
        Head head = head_of("206 x\nContent-Length: 5\nContent-Range: bytes 5-9/10");

        ck_assert_uint_eq(resume_file_size(&head), 10);
        head_done(&head);
        head = head_of("200 x\nContent-Length: 7");
        ck_assert_uint_eq(resume_file_size(&head), 7);
        head_done(&head);
        head = head_of("200 x");
        ck_assert_uint_eq(resume_file_size(&head), UNKNOWN);
        head_done(&head);
}
END_TEST

START_TEST(the_size_of_the_file_is_in_its_first_answer)
{
        static const struct {
                const char *headers;
                uint64_t size;
        } cases[] = {
                { "HTTP/1.1 206 x\nContent-Length: 5\nContent-Range: bytes 0-4/100\n", 100 },
                { "HTTP/1.1 206 x\nContent-Length: 5\nContent-Range: bytes 0-4/*\n", UNKNOWN },
                { "HTTP/1.1 206 x\nContent-Length: 5\nContent-Range: 4\n", UNKNOWN },
                { "HTTP/1.1 200 x\nContent-Length: 100\n", 100 },
                { "HTTP/1.1 200 x\n", UNKNOWN },
                { "", UNKNOWN },
        };

        static FileRange range = { 0, 5 };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = { .ranges = &range, .n_ranges = 1, .total_bytes = 7 };

                record.headers = (char *) (uintptr_t) cases[i].headers;
                ck_assert_msg(resume_recorded_size(&record) == cases[i].size, "%zu", i);
        }
}
END_TEST

START_TEST(a_version_is_provable_by_a_strong_etag_or_date)
{
        static const struct {
                const char *head;
                bool is_provable;
        } cases[] = {
                { "206 x\nETag: " STRONG, true },
                { "206 x\nETag: " WEAK, false },
                { "206 x\nContent-Range: bytes 0-4/100", false },
                { "200 x\nLast-Modified: " MODIFIED "\nContent-Length: 5\n"
                  "Date: Fri, 01 Mar 2024 12:00:00 GMT",
                  true },
                { "200 x\nLast-Modified: " MODIFIED "\nDate: Fri, 01 Mar 2024 12:00:00 GMT",
                  false },
                { "200 x\nLast-Modified: " MODIFIED "\nContent-Length: 5", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Head head = head_of(cases[i].head);

                ck_assert_msg(resume_is_provable(&head) == cases[i].is_provable,
                              "%s",
                              cases[i].head);
                head_done(&head);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("resume");
        TCase *plan = tcase_create("plan"), *answer = tcase_create("answer");
        SRunner *runner;
        int failed;

        tcase_add_test(plan, a_part_is_asked_for_by_the_strongest_validator);
        tcase_add_test(plan, each_validator_is_used_if_the_record_supports_it);
        tcase_add_test(plan, another_resource_is_asked_for_the_whole_file);
        tcase_add_test(plan, another_resource_continues_by_a_strong_etag_and_a_checksum);
        tcase_add_loop_test(answer,
                            an_answer_to_a_part_continues_restarts_or_ends,
                            0,
                            (int) ARRAY_SIZE(answers));
        tcase_add_loop_test(answer,
                            a_whole_file_instead_of_a_part_is_asked_for_in_other_words,
                            0,
                            (int) ARRAY_SIZE(steps));
        tcase_add_test(answer, bytes_of_one_coding_are_continued_in_the_same_coding_only);
        tcase_add_loop_test(answer,
                            what_is_no_version_of_the_file_does_not_replace_it,
                            0,
                            (int) ARRAY_SIZE(arrivals));
        tcase_add_test(answer, a_part_is_short_if_some_of_it_is_left_to_ask_for);
        tcase_add_test(answer, a_bare_part_without_a_date_is_not_compared);
        tcase_add_test(answer, a_part_is_refused_when_the_whole_was_asked_for);
        tcase_add_test(answer, the_total_is_the_file_s_not_the_part_s);
        tcase_add_test(answer, the_size_of_the_file_is_in_its_first_answer);
        tcase_add_test(answer, a_version_is_provable_by_a_strong_etag_or_date);
        suite_add_tcase(suite, plan);
        suite_add_tcase(suite, answer);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
