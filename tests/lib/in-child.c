#include "tests/lib/in-child.h"

#include <check.h>
#include <sys/wait.h>

void in_child(void (*check)(void))
{
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                check();
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "the child failed at line %d (modulo 255)",
                      WIFEXITED(status) ? WEXITSTATUS(status) - 1 : -WTERMSIG(status));
}
