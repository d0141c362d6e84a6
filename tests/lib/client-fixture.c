#include "tests/lib/client-fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

dosvc_connection *alice, *bob, *root;
char job_id[DOSVC_ID_SIZE];
char *local_file;

dosvc_connection *connect_as(uint32_t uid)
{
        dosvc_connection *c = NULL;
        dosvc_service *service = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture.bus.address, 1), 0);
        ck_assert_int_eq(seteuid(uid), 0);
        ck_assert_int_eq(dosvc_open(0, &c), 0);
        /* The bus asks for the uid when the connection is made, the daemon at the first call. */
        ck_assert_int_eq(dosvc_get_service(c, &service), 0);
        ck_assert_int_eq(seteuid(0), 0);
        dosvc_service_free(service);
        return c;
}

void client_start(void)
{
        fixture_start();
        alice = connect_as(USERS_ALICE_UID);
        bob = connect_as(USERS_BOB_UID);
        root = connect_as(0);
        ck_assert_int_eq(dosvc_job_create(alice, "client", job_id), 0);
        local_file = fixture_alice_file("client-file");
        (void) unlink(local_file);
}

void client_stop(void)
{
        (void) dosvc_close(alice);
        (void) dosvc_close(bob);
        (void) dosvc_close(root);
        (void) unlink(local_file);
        free(local_file);
        fixture_stop();
}

void add_file(Site site, const char *name)
{
        _cleanup_free_ char *url = servers_url(site, name);

        ck_assert_int_eq(dosvc_job_add_file(alice, job_id, url, local_file, NULL), 0);
}

dosvc_job_info *info_of(dosvc_connection *c, const char *job)
{
        dosvc_job_info *info = NULL;

        ck_assert_int_eq(dosvc_job_get_info(c, job, &info), 0);
        return info;
}

void assert_error(dosvc_connection *c, int r, int expected, const char *name)
{
        ck_assert_msg(r == expected, "%d (%s), not %d", r, dosvc_last_error_message(c), expected);
        ck_assert_str_eq(dosvc_last_error_name(c), name);
        ck_assert_int_gt((int) strlen(dosvc_last_error_message(c)), 0);
}

size_t count_jobs(dosvc_connection *c, unsigned int flags, const char *state)
{
        dosvc_job_list *list = NULL;
        size_t n;

        ck_assert_int_eq(dosvc_list_jobs(c, flags, state, &list), 0);
        n = dosvc_job_list_size(list);
        dosvc_job_list_free(list);
        return n;
}

int set_password(const char *target, const char *scheme, const char *user, const char *password)
{
        return dosvc_job_set_credentials(alice,
                                         job_id,
                                         target,
                                         scheme,
                                         user,
                                         password,
                                         password ? strlen(password) : 0);
}

TCase *client_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, client_start, client_stop);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}
