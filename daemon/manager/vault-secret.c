/*
 * The key is shorter than the capacity of a pipe, so dosvc-secret never waits for this process,
 * and once it has ended well the whole key is in the pipe.
 */
#include "manager/vault-secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "dbus/secret-wire.h"

#include "base/fd.h"
#include "base/str.h"

#include "manager/helper.h"

struct VaultSecret {
        Helper *helper;           /* owned */
        sd_event_source *timeout; /* owned */
        int pipe_fd;              /* owned: our end */
        vault_secret_done_t done;
        void *userdata;
};

static void finish(VaultSecret *fetch, int result, Secret *key)
{
        fetch->helper = helper_free(fetch->helper);
        fetch->timeout = sd_event_source_disable_unref(fetch->timeout);
        fetch->done(fetch->userdata, result, key);
}

static int read_key(VaultSecret *fetch, Secret **ret)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        size_t size;
        int r;

        r = secret_new(VAULT_KEY_BYTES, &key);
        if (r < 0)
                return r;
        r = fd_read_all(fetch->pipe_fd, secret_data_writable(key), VAULT_KEY_BYTES, &size);
        if (r < 0 || size != VAULT_KEY_BYTES)
                return -EIO;
        *ret = STEAL_PTR(key);
        return 0;
}

static void on_helper_exit(void *userdata, int status)
{
        static const int errors[] = {
                [VAULT_SECRET_FAILED] = -EIO,
                [VAULT_SECRET_ABSENT] = -ENOENT,
                [VAULT_SECRET_LOCKED] = -EKEYREVOKED,
        };
        size_t code = WIFEXITED(status) ? (size_t) WEXITSTATUS(status) : VAULT_SECRET_FAILED;
        Secret *key = NULL;
        int r;

        if (code == VAULT_SECRET_OK)
                r = read_key(userdata, &key);
        else
                r = code < ARRAY_SIZE(errors) ? errors[code] : -EIO;
        finish(userdata, r, key);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        finish(userdata, -ETIMEDOUT, NULL);
        return 0;
}

/* The helper gets these variables, by which it finds the user's bus, and no others. */
static int copy_environment(char ***ret)
{
        static const char *const names[] = { "DBUS_SESSION_BUS_ADDRESS",
                                             "XDG_RUNTIME_DIR",
                                             "HOME" };
        _cleanup_(strings_freep) char **environment = NULL;
        int r = strings_copy(NULL, &environment);

        for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
                _cleanup_free_ char *entry = NULL;
                const char *value = getenv(names[i]); /* NOLINT(concurrency-mt-unsafe) */

                if (!value)
                        continue;
                r = str_format(&entry, "%s=%s", names[i], value);
                if (r == 0)
                        r = strings_append(&environment, entry);
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(environment);
        return 0;
}

static int run_helper(VaultSecret *fetch, sd_event *event, int helper_dir_fd)
{
        static char name[] = "dosvc-secret";
        _cleanup_(strings_freep) char **environment = NULL;
        _cleanup_close_ int theirs = -EBADF;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        fetch->pipe_fd = ends[0];
        theirs = ends[1];
        /* A grandchild of the helper may keep its end of the pipe open. */
        if (fcntl(fetch->pipe_fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        r = copy_environment(&environment);
        if (r < 0)
                return r;
        return helper_new(event,
                          &(HelperSpec){
                                  .dir_fd = helper_dir_fd,
                                  .argv = (char *[]){ name, NULL },
                                  .environment = environment,
                                  .stdout_fd = theirs,
                                  .link_fd = -EBADF,
                          },
                          on_helper_exit,
                          fetch,
                          &fetch->helper);
}

int vault_secret_new(sd_event *event,
                     int helper_dir_fd,
                     vault_secret_done_t done,
                     void *userdata,
                     VaultSecret **ret)
{
        _cleanup_(vault_secret_freep) VaultSecret *fetch = NULL;
        int r;

        fetch = calloc(1, sizeof(*fetch));
        if (!fetch)
                return -ENOMEM;
        fetch->pipe_fd = -EBADF;
        fetch->done = done;
        fetch->userdata = userdata;

        r = run_helper(fetch, event, helper_dir_fd);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event,
                                       &fetch->timeout,
                                       CLOCK_MONOTONIC,
                                       VAULT_SECRET_DEADLINE_USEC,
                                       0,
                                       on_timeout,
                                       fetch);
        if (r < 0)
                return r;

        *ret = STEAL_PTR(fetch);
        return 0;
}

VaultSecret *vault_secret_free(VaultSecret *fetch)
{
        if (!fetch)
                return NULL;

        (void) helper_free(fetch->helper);
        (void) sd_event_source_disable_unref(fetch->timeout);
        (void) macro_close(fetch->pipe_fd);
        free(fetch);
        return NULL;
}
