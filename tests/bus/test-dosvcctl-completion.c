/*
 * The installed completions of three shells, asked as the shells ask them, with the service and
 * without.
 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/dosvcctl-fixture.h"
#include "tests/lib/service-fixture.h"

/* Scripts that complete the words of $@, one a line: of zsh and bash only the list is taken over.
 */
static const char *const shells[] = {
        "fish -c 'source $share/fish/vendor_completions.d/dosvcctl.fish; complete -C \"$argv\"' --",
        "zsh -fc '_describe() { print -l -- ${(P)argv[-1]} }; _files() { print FILES };"
        " words=(\"$@\"); CURRENT=$#; source $share/zsh/vendor-completions/_dosvcctl' zsh",
        "bash -c 'source $share/bash-completion/completions/dosvcctl; COMP_WORDS=(\"$@\");"
        " COMP_CWORD=$(($# - 1)); compopt() { :; }; _dosvcctl; printf \"%s\\n\" "
        "\"${COMPREPLY[@]}\"'"
        " bash",
};

/* words: of a shell, the last of which is to be completed. */
static const char *complete(int shell, const char *words)
{
        _cleanup_free_ char *command = NULL;

        ck_assert_int_gt(asprintf(&command,
                                  "bin=$(dirname \"$program\") && PATH=$bin:$PATH"
                                  " share=$bin/../share %s %s",
                                  shells[shell],
                                  words),
                         0);
        assert_run(command, 0);
        return output;
}

START_TEST(verbs_and_options_are_completed)
{
        assert_run("true", 0);
        ck_assert_ptr_nonnull(strstr(complete(_i, "dosvcctl su"), "suspend"));
        ck_assert_ptr_nonnull(strstr(complete(_i, "dosvcctl get --di"), "--digest="));
        ck_assert_ptr_nonnull(strstr(complete(_i, "dosvcctl cred ''"), "remove"));
        ck_assert_ptr_nonnull(strstr(complete(_i, "dosvcctl help att"), "attach"));
}
END_TEST

START_TEST(jobs_and_their_keys_are_asked_from_the_service)
{
        _cleanup_free_ char *words = NULL;

        ck_assert_ptr_nonnull(strstr(complete(_i, "dosvcctl show ''"), job_id));
        ck_assert_ptr_null(strstr(complete(_i, "dosvcctl get ''"), job_id));
        ck_assert_int_gt(asprintf(&words, "dosvcctl set %s ''", job_id), 0);
        ck_assert_ptr_nonnull(strstr(complete(_i, words), "minimum-retry-delay="));
        daemon_stop(&fixture.daemon);
        ck_assert_ptr_null(strstr(complete(_i, "dosvcctl show ''"), job_id));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("dosvcctl-completion");
        TCase *tcase = client_case(suite, "completion");

        tcase_add_loop_test(tcase, verbs_and_options_are_completed, 0, ARRAY_SIZE(shells));
        tcase_add_loop_test(tcase,
                            jobs_and_their_keys_are_asked_from_the_service,
                            0,
                            ARRAY_SIZE(shells));
        return fixture_play(suite, 0);
}
