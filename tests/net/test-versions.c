/*
 * Bytes that belong together, and only those: dosvc-worker goes on with a file whose first answer
 * broke off, at servers that answer as some real ones do. Each test gives the server its answers,
 * one after the other, and counts the bytes that it sent. As root, because the worker is another
 * user.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "model/file-record.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-case.h"

#define SIZE     BAD_SERVER_SIZE
#define CUT      1300000U
#define REST     (SIZE - CUT)
#define ETAG     BAD_SERVER_ETAG
#define ETAG_B   BAD_SERVER_ETAG_B
#define MODIFIED BAD_SERVER_MODIFIED

static const unsigned char page[] = "<html>Welcome to our hotel. Your room number, please?</html>";

#define PAGE_SIZE (sizeof(page) - 1)

/* One answer. Members that are NULL or 0 are left out. */
typedef struct Answer {
        const void *data; /* the whole of it */
        size_t size;
        const char *fields; /* header lines, each ends in CR LF */
        const char *status; /* instead of 200 or 206 */
        size_t cut;         /* the connection ends after this many bytes of the body */
        size_t at_most;     /* a part is no longer than this */
        bool chunked;       /* a whole answer does not say its length */
        bool whole;         /* Range is ignored */
        bool star;          /* the total of a part is "*" */
        bool shifted;       /* a part begins one byte too late */
        bool away;          /* a redirect to the same path of the other server */
} Answer;

#define LAST_ANSWER ((Answer){ 0 })
#define MAX_ANSWERS 16

/* The servers are processes: they know the answers that were there when they started. */
static HttpServer here, there;
static Answer here_answers[MAX_ANSWERS], there_answers[MAX_ANSWERS];

static void serve_body(HttpRequest *request, const Answer *answer, size_t from, size_t end)
{
        size_t size = end - from;

        if (answer->cut > 0 && answer->cut < size) {
                size = answer->cut;
                http_hang_up(request, false);
        }
        http_body(request, (const char *) answer->data + from, size);
}

static void serve_part(HttpRequest *request, const Answer *answer, size_t from, size_t end)
{
        char total[32] = "*";

        if (!answer->star)
                (void) snprintf(total, sizeof(total), "%zu", answer->size);
        if (answer->at_most > 0 && end - from > answer->at_most)
                end = from + answer->at_most;
        from += answer->shifted;
        http_printf(request,
                    "HTTP/1.1 206 Part\r\nDate: Fri, 01 Mar 2024 12:00:00 GMT\r\n%s"
                    "Content-Range: bytes %zu-%zu/%s\r\nContent-Length: %zu\r\n\r\n",
                    answer->fields ? answer->fields : "",
                    from,
                    end - 1,
                    total,
                    end - from);
        serve_body(request, answer, from, end);
}

static void serve_answer(HttpRequest *request, const Answer *answer)
{
        unsigned long long from = 0, last = 0;
        char range[64];
        int n = 0;

        if (answer->away) {
                http_printf(request,
                            "HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:%u%s\r\n"
                            "Content-Length: 0\r\n\r\n",
                            there.port,
                            request->path);
                return;
        }
        if (!answer->whole && !answer->status && http_field(request, "Range", range, sizeof(range)))
                n = sscanf(range, "bytes=%llu-%llu", &from, &last);
        if (n > 0) {
                serve_part(request,
                           answer,
                           (size_t) from,
                           n == 2 && last + 1 < answer->size ? (size_t) last + 1 : answer->size);
                return;
        }
        http_printf(request,
                    "HTTP/1.1 %s\r\nDate: Fri, 01 Mar 2024 12:00:00 GMT\r\n%s",
                    answer->status ? answer->status : "200 OK",
                    answer->fields ? answer->fields : "");
        if (answer->chunked) /* one chunk, and no end of it */
                http_printf(request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", answer->size);
        else
                http_printf(request, "Content-Length: %zu\r\n\r\n", answer->size);
        serve_body(request, answer, 0, answer->size);
}

/* The answer whose turn it is; the last one is repeated. */
static void serve_next(HttpRequest *request, const Answer *answers)
{
        size_t n = __atomic_fetch_add(&request->counters[0], 1, __ATOMIC_SEQ_CST);

        for (size_t i = 0; i < n && (answers[1].data || answers[1].away); i++)
                answers++;
        serve_answer(request, answers);
}

static void serve_here(HttpRequest *request)
{
        serve_next(request, here_answers);
}

static void serve_there(HttpRequest *request)
{
        serve_next(request, there_answers);
}

/* ---- the file -------------------------------------------------------------------------------- */

static FileRecord record;

/* The answers of each server, the last one with neither data nor a redirect. */
static void start(const Answer *of_here, const Answer *of_there)
{
        _cleanup_free_ char *url = NULL, *local = temp_dir_path(case_home, "file");
        size_t n = 0;

        memset(here_answers, 0, sizeof(here_answers));
        memset(there_answers, 0, sizeof(there_answers));
        for (; of_here[n].data || of_here[n].away; n++)
                here_answers[n] = of_here[n];
        for (n = 0; of_there && of_there[n].data; n++)
                there_answers[n] = of_there[n];
        if (!str_is_empty(record.temp_name)) {
                _cleanup_free_ char *path = case_temp_path(&record);

                ck_assert_int_eq(unlink(path), 0);
        }
        driver_stop(&case_worker); /* or the servers would hold its link */
        http_server_stop(&there);
        http_server_stop(&here);
        http_server_start(&there, serve_there, case_dir);
        http_server_start(&here, serve_here, case_dir);
        url = http_server_url(&here, "/file");
        file_record_done(&record);
        ck_assert_int_ge(file_record_init(&record, 0, url, local), 0);
}

static void stop(void)
{
        http_server_stop(&there);
        http_server_stop(&here);
        file_record_done(&record);
}

#define START(...) start((const Answer[]){ __VA_ARGS__, LAST_ANSWER }, NULL)

static void want_checksum(const void *data)
{
        unsigned char digest[32];
        char text[8 + 64] = "sha256:";

        ck_assert_int_eq(EVP_Digest(data, SIZE, digest, NULL, EVP_sha256(), NULL), 1);
        for (size_t i = 0; i < sizeof(digest); i++)
                (void) snprintf(text + 7 + 2 * i, 3, "%02x", digest[i]);
        ck_assert_int_ge(str_set(&record.checksum, text), 0);
}

static void want_ranges(const FileRange *ranges, uint32_t n)
{
        record.ranges = calloc(n, sizeof(*ranges));
        ck_assert_ptr_nonnull(record.ranges);
        memcpy(record.ranges, ranges, n * sizeof(*ranges));
        record.n_ranges = n;
}

/* An attempt of a worker; the record is then what the manager knows. */
static void attempt(void)
{
        case_fetch_records(&record, 1);
        file_record_done(&record);
        ck_assert_int_ge(file_record_copy(&record, &case_worker.records[0]), 0);
}

/* The attempt fails in a way that may pass, and that much is on disk. */
static void attempt_in_vain(const void *data, size_t size)
{
        attempt();
        ck_assert_msg(case_worker.failed && case_worker.transient, "%s", case_worker.description);
        ck_assert_uint_eq(record.offset_bytes, size);
        ck_assert(case_holds(&record, data, size));
        ck_assert_uint_eq(case_entries_in_home(), 1);
}

static void attempt_cut(void)
{
        attempt_in_vain(bad_server_a, CUT);
}

static uint64_t bytes_sent(void)
{
        return (uint64_t) here.counters[HTTP_COUNTER_BODIES] + there.counters[HTTP_COUNTER_BODIES];
}

/* The attempt brings the whole file; sent: bytes of all bodies until then. */
static void attempt_well(const void *data, unsigned restarts, uint64_t sent)
{
        attempt();
        case_assert_finished(0, data, SIZE);
        ck_assert_uint_eq(record.restarts, restarts);
        ck_assert_uint_eq(bytes_sent(), sent);
        ck_assert_uint_eq(case_entries_in_home(), 1);
}

/* An answer with these bytes and fields, and what else the macro is given. */
#define OF(data_, fields_, ...)                                                                    \
        {                                                                                          \
                .data = (data_), .size = SIZE, .fields = (fields_), __VA_ARGS__                    \
        }
#define A(...) OF(bad_server_a, "ETag: " ETAG "\r\n", __VA_ARGS__)
#define B(...) OF(bad_server_b, "ETag: " ETAG_B "\r\n", __VA_ARGS__)
#define GZIP   "ETag: " ETAG "\r\nContent-Encoding: gzip\r\n"

/* ---- codings --------------------------------------------------------------------------------- */

START_TEST(the_bytes_are_asked_for_as_they_are)
{
        START(A());
        attempt_well(bad_server_a, 0, SIZE);
        case_assert_log_count(&here, "Accept-Encoding: identity\n", 1);
        ck_assert_str_eq(record.coding, "");
}
END_TEST

/* On the fly a server does not know the size of what it codes; but it may. */
START_TEST(coded_bytes_are_not_continued_by_plain_ones)
{
        START(OF(bad_server_b, GZIP, .cut = CUT, .chunked = _i), A());
        attempt_in_vain(bad_server_b, CUT);
        ck_assert_str_eq(record.coding, "gzip");
        /* The part is refused by its head, the whole file follows. */
        attempt();
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(record.restarts, 1);
        ck_assert_str_eq(record.coding, "");
        ck_assert_ptr_nonnull(strstr(record.restart_reason, "coding"));
}
END_TEST

START_TEST(plain_bytes_are_not_continued_by_coded_ones)
{
        START(A(.cut = CUT), OF(bad_server_b, GZIP), A());
        attempt_cut();
        attempt();
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(record.restarts, 1);
}
END_TEST

START_TEST(coded_bytes_are_continued_in_their_coding)
{
        static const char old_name[] = "ETag: " ETAG "\r\nContent-Encoding: X-GZip\r\n";

        START(OF(bad_server_a, GZIP, .cut = CUT), OF(bad_server_a, old_name));
        attempt_cut();
        attempt_well(bad_server_a, 0, SIZE);
        ck_assert_str_eq(record.coding, "gzip");
}
END_TEST

/* ---- what is no version of the file ---------------------------------------------------------- */

/* The login page comes once for the file, then the network lets everything pass. */
static void meet_portal(const Answer *portal, bool redirects, bool checked)
{
        const Answer direct[] = { A(.cut = CUT), *portal, A(), LAST_ANSWER };
        const Answer redirected[] = { A(.cut = CUT), { .away = true }, A(), LAST_ANSWER };
        const Answer of_there[] = { *portal, LAST_ANSWER };

        start(redirects ? redirected : direct, of_there);
        if (checked)
                want_checksum(bad_server_a);
        attempt_cut();
        attempt_cut();
        ck_assert_ptr_nonnull(strstr(case_worker.description, "kept"));
        ck_assert_str_eq(record.etag, ETAG);
        attempt_well(bad_server_a, 0, SIZE + portal->size);
}

static const Answer portals[] = {
        { .data = page, .size = PAGE_SIZE, .whole = true, .fields = "Content-Type: text/html\r\n" },
        /* a web server of its own that names versions of its page */
        { .data = page,
          .size = PAGE_SIZE,
          .whole = true,
          .fields = "Content-Type: text/html; charset=utf-8\r\nETag: \"page\"\r\n"
                    "Last-Modified: " MODIFIED "\r\n" },
        /* one that says nothing of what it sends */
        { .data = page, .size = PAGE_SIZE, .whole = true },
        { .data = page,
          .size = PAGE_SIZE,
          .whole = true,
          .fields = "Content-Type: application/json\r\n" },
};

START_TEST(a_login_page_costs_no_bytes_and_is_never_the_file)
{
        for (unsigned i = 0; i < 4; i++)
                meet_portal(&portals[_i], i & 1, i & 2);
}
END_TEST

START_TEST(a_login_page_costs_no_bytes_of_parts)
{
        static const FileRange ranges[] = { { 0, 2000000 }, { 2500000, 600000 } };

        START(A(.cut = CUT), portals[_i], A());
        want_ranges(ranges, 2);
        attempt_cut();
        attempt_cut();
        attempt();
        ck_assert_msg(case_worker.finished, "%s", case_worker.description);
        ck_assert_uint_eq(record.restarts, 0);
        ck_assert_uint_eq(bytes_sent(), 2000000 + 600000 + PAGE_SIZE);
}
END_TEST

/* A version that is on record counts before its first byte does. */
START_TEST(a_login_page_is_not_the_file_that_was_only_announced)
{
        START(A(.cut = 1), portals[_i], A());
        attempt_in_vain(bad_server_a, 1);
        record.offset_bytes = 0; /* the byte was not yet on disk when the power went */
        attempt_in_vain("", 0);
        attempt();
        case_assert_finished(0, bad_server_a, SIZE);
}
END_TEST

/* The page of a network that wants to be answered says itself that it is none of the server's. */
START_TEST(a_network_that_refuses_costs_no_bytes)
{
        START(A(.cut = CUT),
              { .data = page, .size = PAGE_SIZE, .status = "511 Network Authentication Required" },
              A());
        attempt_cut();
        attempt_cut();
        attempt_well(bad_server_a, 0, SIZE + PAGE_SIZE);
}
END_TEST

START_TEST(nothing_is_given_up_before_the_new_answer_has_come)
{
        /* The part is unusable, and the whole file, which is asked for then, does not come. */
        START(A(.cut = CUT),
              A(.shifted = true),
              { .data = page, .size = PAGE_SIZE, .status = "503 Busy" },
              A());
        attempt_cut();
        attempt_cut();
        ck_assert_uint_eq(record.restarts, 0);
        attempt();
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(record.restarts, 0);
        case_assert_log_count(&here, "If-Range: " ETAG "\n", 2);
}
END_TEST

START_TEST(another_version_is_still_taken)
{
        START(A(.cut = CUT), B());
        attempt_cut();
        attempt();
        case_assert_finished(0, bad_server_b, SIZE);
        ck_assert_uint_eq(record.restarts, 1);
        ck_assert_str_eq(record.etag, ETAG_B);
}
END_TEST

START_TEST(a_version_without_the_checksum_costs_no_bytes)
{
        START(A(.cut = CUT), B(.whole = true), A());
        want_checksum(bad_server_a);
        attempt_cut();
        attempt();
        ck_assert(case_worker.failed && !case_worker.transient);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_VALIDATION_FAILED);
        ck_assert_uint_eq(record.offset_bytes, CUT);
        ck_assert(case_holds(&record, bad_server_a, CUT));
        ck_assert_uint_eq(case_entries_in_home(), 1);
        attempt_well(bad_server_a, 0, 2 * SIZE);
}
END_TEST

START_TEST(a_version_that_breaks_off_early_costs_no_bytes)
{
        START(A(.cut = CUT), B(.whole = true, .cut = CUT / 2), A());
        want_checksum(bad_server_a);
        attempt_cut();
        attempt_cut();
        attempt_well(bad_server_a, 0, SIZE + CUT / 2);
}
END_TEST

START_TEST(a_version_with_the_checksum_takes_the_place)
{
        START(A(.cut = CUT), B(.whole = true, .cut = CUT + 1), B());
        want_checksum(bad_server_b);
        attempt_cut();
        attempt_in_vain(bad_server_b, CUT + 1);
        attempt_well(bad_server_b, 1, CUT + SIZE);
}
END_TEST

/* ---- less than was asked for ----------------------------------------------------------------- */

START_TEST(a_short_part_is_kept_and_the_rest_is_asked_for)
{
        START(A(.cut = CUT), A(.at_most = 500000));
        attempt_cut();
        attempt_well(bad_server_a, 0, SIZE);
        case_assert_log_count(&here, "GET ", 1 + (REST + 499999) / 500000);
}
END_TEST

START_TEST(answers_that_are_all_cut_make_a_whole_file)
{
        START(A(.whole = true, .cut = CUT), A(.at_most = 1048576, .cut = CUT));
        attempt_cut();
        attempt_well(bad_server_a, 0, SIZE);
        /* The connection ends in each part, and the next attempt goes on there. */
        START(A(.cut = CUT), A(.cut = 1000000));
        attempt_cut();
        attempt_in_vain(bad_server_a, CUT + 1000000);
        attempt_well(bad_server_a, 0, SIZE);
}
END_TEST

START_TEST(a_short_part_of_parts_is_kept)
{
        static const FileRange ranges[] = { { 100, 2000000 }, { 2500000, 600000 } };
        static const size_t wanted[] = { 2000000, 2000000 + 600000 };
        _cleanup_free_ unsigned char *parts = malloc(SIZE);

        ck_assert_ptr_nonnull(parts);
        memcpy(parts, bad_server_a + 100, 2000000);
        memcpy(parts + 2000000, bad_server_a + 2500000, 600000);
        for (unsigned i = 0; i < 6; i++) {
                bool is_version = i / 2 < 2;

                START(OF(bad_server_a,
                         is_version ? "ETag: e\r\n" : "",
                         .at_most = 300000,
                         .star = i / 2 == 1));
                want_ranges(ranges, i % 2 + 1);
                attempt();
                ck_assert_msg(case_worker.finished, "%s", case_worker.description);
                ck_assert(case_holds(&record, parts, wanted[i % 2]));
                ck_assert_uint_eq(record.restarts, 0);
                if (is_version)
                        ck_assert_uint_eq(bytes_sent(), wanted[i % 2]);
                else /* nothing proves that parts fit together, so one answer has them all */
                        case_assert_log_count(&here, "GET ", 2);
        }
}
END_TEST

/* ---- one ETag at two places ------------------------------------------------------------------ */

/* The redirect leads to the other server from the second request on. */
static void move_away(const void *checksum_of, const Answer *of_there)
{
        const Answer of_here[] = { A(.cut = CUT), { .away = true }, LAST_ANSWER };

        start(of_here, of_there);
        if (checksum_of)
                want_checksum(checksum_of);
        attempt_cut();
}

START_TEST(a_checksum_lets_another_place_continue_the_same_etag)
{
        move_away(bad_server_a, (const Answer[]){ A(), LAST_ANSWER });
        attempt_well(bad_server_a, 0, SIZE);
        case_assert_log_count(&there, "If-Range: " ETAG "\n", 1);
}
END_TEST

START_TEST(without_a_checksum_another_place_begins_again)
{
        move_away(NULL, (const Answer[]){ A(), LAST_ANSWER });
        attempt_well(bad_server_a, 1, CUT + SIZE);
        case_assert_log_count(&there, "Range", 0);
}
END_TEST

START_TEST(one_etag_of_two_files_is_found_out_by_the_checksum)
{
        move_away(bad_server_b,
                  (const Answer[]){
                          { .data = bad_server_b, .size = SIZE, .fields = "ETag: " ETAG "\r\n" },
                          LAST_ANSWER });
        attempt_well(bad_server_b, 1, CUT + REST + SIZE);
}
END_TEST

START_TEST(another_etag_at_another_place_is_another_version)
{
        move_away(bad_server_a, (const Answer[]){ B(.whole = true), LAST_ANSWER });
        attempt();
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_VALIDATION_FAILED);
        ck_assert_uint_eq(record.offset_bytes, CUT);
        ck_assert(case_holds(&record, bad_server_a, CUT));
}
END_TEST

/* ---- malformed, and enough all the same ------------------------------------------------------ */

START_TEST(odd_fields_beside_one_that_suffices_are_no_reason_to_begin_again)
{
        static const struct {
                const char *first, *then;
                bool star;
        } servers[] = {
                { "ETag: " ETAG "\r\n", "ETag: " ETAG "\r\n", true },
                { "Last-Modified: " MODIFIED "\r\n", "Last-Modified: " MODIFIED "\r\n", true },
                { "ETag: version-a\r\n", "ETag: version-a\r\n", false },
                { "ETag: version-a\r\n", "ETag: version-a\r\n", true },
                { "ETag: " ETAG "\r\n", "ETag: version-a\r\n", false },
                { "ETag: version-a\r\n", "ETag: " ETAG "\r\n", false },
                { "ETag: " ETAG "\r\nLast-Modified: today\r\n",
                  "ETag: " ETAG "\r\nLast-Modified: now\r\n",
                  false },
                { "ETag: \"a b\"\r\nLast-Modified: " MODIFIED "\r\n",
                  "ETag: \"a b\"\r\nLast-Modified: " MODIFIED "\r\n",
                  false },
                { "ETag: " ETAG "\r\nETag:\r\n", "ETag:\r\nETag: " ETAG "\r\n", false },
                { "ETag: " ETAG "\r\n", "ETag: " ETAG "\r\nAccept-Ranges: ?\r\n", false },
                { "Last-Modified: " MODIFIED "\r\n",
                  "Last-Modified: Thursday, 29-Feb-24 10:00:00 GMT\r\n",
                  false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                START(OF(bad_server_a, servers[i].first, .cut = CUT),
                      OF(bad_server_a, servers[i].then, .star = servers[i].star));
                attempt_cut();
                attempt();
                case_assert_finished(0, bad_server_a, SIZE);
                ck_assert_msg(record.restarts == 0 && bytes_sent() == SIZE,
                              "%s then %s",
                              servers[i].first,
                              servers[i].then);
        }
}
END_TEST

START_TEST(odd_fields_prove_nothing)
{
        static const char *const servers[][2] = {
                { "ETag: version-a\r\n", "ETag: version-b\r\n" },
                { "ETag: version-a\r\n", "ETag: W/version-a\r\n" },
                { "ETag: \"a b\"\r\n", "ETag: \"a b\"\r\n" },
                { "Last-Modified: today\r\n", "Last-Modified: today\r\n" },
                { "ETag: " ETAG "\r\n", "ETag: " ETAG "\r\nETag: " ETAG_B "\r\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                START(OF(bad_server_a, servers[i][0], .cut = CUT), OF(bad_server_b, servers[i][1]));
                attempt_cut();
                attempt();
                case_assert_finished(0, bad_server_b, SIZE);
                ck_assert_uint_eq(record.restarts, 1);
        }
}
END_TEST

/* ---- the list -------------------------------------------------------------------------------- */

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = case_add(suite, name);

        tcase_add_checked_fixture(tcase, NULL, stop);
        return tcase;
}

static void add_codings(Suite *suite)
{
        TCase *tcase = add_case(suite, "codings");

        tcase_add_test(tcase, the_bytes_are_asked_for_as_they_are);
        tcase_add_loop_test(tcase, coded_bytes_are_not_continued_by_plain_ones, 0, 2);
        tcase_add_test(tcase, plain_bytes_are_not_continued_by_coded_ones);
        tcase_add_test(tcase, coded_bytes_are_continued_in_their_coding);
}

static void add_impostors(Suite *suite)
{
        TCase *tcase = add_case(suite, "no version of the file");

        tcase_add_loop_test(tcase,
                            a_login_page_costs_no_bytes_and_is_never_the_file,
                            0,
                            (int) ARRAY_SIZE(portals));
        tcase_add_loop_test(tcase,
                            a_login_page_costs_no_bytes_of_parts,
                            0,
                            (int) ARRAY_SIZE(portals));
        tcase_add_loop_test(tcase,
                            a_login_page_is_not_the_file_that_was_only_announced,
                            0,
                            (int) ARRAY_SIZE(portals));
        tcase_add_test(tcase, a_network_that_refuses_costs_no_bytes);
        tcase_add_test(tcase, nothing_is_given_up_before_the_new_answer_has_come);
        tcase_add_test(tcase, another_version_is_still_taken);
        tcase_add_test(tcase, a_version_without_the_checksum_costs_no_bytes);
        tcase_add_test(tcase, a_version_that_breaks_off_early_costs_no_bytes);
        tcase_add_test(tcase, a_version_with_the_checksum_takes_the_place);
}

static void add_short_parts(Suite *suite)
{
        TCase *tcase = add_case(suite, "less than was asked for");

        tcase_add_test(tcase, a_short_part_is_kept_and_the_rest_is_asked_for);
        tcase_add_test(tcase, answers_that_are_all_cut_make_a_whole_file);
        tcase_add_test(tcase, a_short_part_of_parts_is_kept);
}

static void add_places(Suite *suite)
{
        TCase *tcase = add_case(suite, "one ETag at two places");

        tcase_add_test(tcase, a_checksum_lets_another_place_continue_the_same_etag);
        tcase_add_test(tcase, without_a_checksum_another_place_begins_again);
        tcase_add_test(tcase, one_etag_of_two_files_is_found_out_by_the_checksum);
        tcase_add_test(tcase, another_etag_at_another_place_is_another_version);
}

static void add_odd_fields(Suite *suite)
{
        TCase *tcase = add_case(suite, "odd fields");

        tcase_add_test(tcase, odd_fields_beside_one_that_suffices_are_no_reason_to_begin_again);
        tcase_add_test(tcase, odd_fields_prove_nothing);
}

int main(void)
{
        Suite *suite = suite_create("versions");

        add_codings(suite);
        add_impostors(suite);
        add_short_parts(suite);
        add_places(suite);
        add_odd_fields(suite);
        return case_run_suite(suite);
}
