#include "worker/http/kerberos.h"

#include <ctype.h>
#include <errno.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

/* One call of libkrb5 after the other, on the way to a ticket. */
typedef struct Way {
        const KerberosSpec *wish;
        krb5_context context;
        krb5_ccache cache;
        krb5_principal client;
        krb5_principal service;
} Way;

/* What the codes mean to a person. EACCES: it was the identity that was refused. */
static const struct {
        krb5_error_code code;
        int error;
        const char *text; /* NULL: libkrb5's own */
} meanings[] = {
        { KRB5KDC_ERR_PREAUTH_FAILED, EACCES, "the KDC refused the password" },
        { KRB5KRB_AP_ERR_BAD_INTEGRITY, EACCES, "the KDC refused the password" },
        { KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, EACCES, "the KDC does not know the user" },
        { KRB5KDC_ERR_KEY_EXP, EACCES, "the password has expired" },
        { KRB5KDC_ERR_NAME_EXP, EACCES, "the account has expired" },
        { KRB5KDC_ERR_CLIENT_REVOKED, EACCES, "the account is locked or disabled" },
        { KRB5KDC_ERR_POLICY, EACCES, "the KDC's policy forbids it" },
        { KRB5_REALM_UNKNOWN, ENONET, "no KDC is known for the realm" },
        { KRB5_REALM_CANT_RESOLVE, ENONET, "no KDC can be found for the realm" },
        { KRB5_CONFIG_NODEFREALM, ENONET, "no default realm is configured" },
        { KRB5_ERR_HOST_REALM_UNKNOWN, ENONET, "the realm of the service is not known" },
        { KRB5_ERR_NO_SERVICE, ENONET, "the KDC does not know the service" },
        { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, ENONET, "the KDC does not know the service" },
        { KRB5KDC_ERR_WRONG_REALM, ENONET, "the KDC does not serve the realm" },
        { KRB5_KDC_UNREACH, EHOSTUNREACH, "no KDC of the realm answers" },
        { KRB5_KDCREP_SKEW, ETIME, "this clock and the KDC's differ too much" },
        { KRB5KRB_AP_ERR_SKEW, ETIME, "this clock and the KDC's differ too much" },
        { KRB5KDC_ERR_NEVER_VALID, ETIME, "this clock and the KDC's differ too much" },
        { KRB5KRB_AP_ERR_TKT_NYV, ETIME, "the ticket is not valid yet" },
        { KRB5KRB_AP_ERR_TKT_EXPIRED, EKEYEXPIRED, "the ticket has expired" },
        { KRB5_FCC_NOFILE, ENOKEY, "there is no ticket" },
        { KRB5_CC_NOTFOUND, ENOKEY, "there is no ticket" },
        { KRB5_CC_END, ENOKEY, "there is no ticket" },
        { KRB5_FCC_PERM, ENOKEY, "the owner may not read the cache" },
        { KRB5_CC_FORMAT, ENOKEY, NULL },
        { KRB5_PARSE_MALFORMED, EACCES, "that is no name of a user" },
        { ENOMEM, ENOMEM, NULL },
};

static const char *who(const Way *way)
{
        return way->wish->implicit ? "the owner's tickets" : way->wish->user_name;
}

/* The cache that the job names, if it does and that matters. */
static const char *where(const Way *way)
{
        const char *cache = way->wish->owners_cache;

        return way->wish->implicit && !str_is_empty(cache) ? cache : "";
}

static int explain(const Way *way, krb5_error_code code, char **ret_text)
{
        const char *text = NULL, *detail = NULL;
        int error = EIO;

        for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
                if (meanings[i].code == code) {
                        error = meanings[i].error;
                        text = meanings[i].text;
                }
        if (!text && way->context)
                detail = krb5_get_error_message(way->context, code);
        if (str_format(ret_text,
                       "Negotiate with %s%s%s at %s was not possible: %s.",
                       who(way),
                       where(way)[0] ? " in " : "",
                       where(way),
                       way->wish->host,
                       text     ? text
                       : detail ? detail
                                : "Kerberos is not configured") < 0)
                *ret_text = NULL;
        if (detail)
                krb5_free_error_message(way->context, detail);
        return -error;
}

/* "REALM\user" as well; a domain is a realm in capitals. */
static krb5_error_code parse_user(Way *way)
{
        const char *name = way->wish->user_name, *backslash = strchr(name, '\\');
        _cleanup_free_ char *full = NULL;
        char *realm;

        if (!backslash)
                return krb5_parse_name(way->context, name, &way->client);
        if (str_format(&full, "%s@%.*s", backslash + 1, (int) (backslash - name), name) < 0)
                return ENOMEM;
        for (realm = full + strlen(backslash + 1); *realm; realm++)
                *realm = (char) toupper((unsigned char) *realm);
        return krb5_parse_name(way->context, full, &way->client);
}

/* A ticket for tickets, of the KDC. */
static krb5_error_code ask_kdc(Way *way)
{
        krb5_get_init_creds_opt *options = NULL;
        krb5_creds creds = { 0 };
        krb5_error_code code = parse_user(way);

        if (!code)
                code = krb5_get_init_creds_opt_alloc(way->context, &options);
        if (!code) {
                /* It serves this process only. */
                krb5_get_init_creds_opt_set_forwardable(options, 0);
                krb5_get_init_creds_opt_set_proxiable(options, 0);
                code = krb5_get_init_creds_password(way->context,
                                                    &creds,
                                                    way->client,
                                                    secret_data(way->wish->secret),
                                                    NULL,
                                                    NULL,
                                                    0,
                                                    NULL,
                                                    options);
        }
        if (!code)
                code = krb5_cc_initialize(way->context, way->cache, way->client);
        if (!code)
                code = krb5_cc_store_cred(way->context, way->cache, &creds);
        krb5_free_cred_contents(way->context, &creds);
        krb5_get_init_creds_opt_free(way->context, options);
        return code;
}

/* The cache that the owner's own programs would use for that service. */
static krb5_error_code find_owners_cache(Way *way, krb5_ccache *ret)
{
        krb5_principal whose = NULL;
        krb5_error_code code;

        if (!str_is_empty(way->wish->owners_cache))
                return krb5_cc_resolve(way->context, way->wish->owners_cache, ret);
        code = krb5_cc_select(way->context, way->service, ret, &whose);
        krb5_free_principal(way->context, whose);
        return code ? krb5_cc_default(way->context, ret) : 0;
}

static krb5_error_code copy_owners(Way *way)
{
        krb5_ccache from = NULL;
        krb5_error_code code = find_owners_cache(way, &from);

        if (!code)
                code = krb5_cc_get_principal(way->context, from, &way->client);
        if (!code)
                code = krb5_cc_initialize(way->context, way->cache, way->client);
        if (!code)
                code = krb5_cc_copy_creds(way->context, from, way->cache);
        if (from)
                (void) krb5_cc_close(way->context, from);
        return code;
}

/* True: there are tickets for tickets, and all of them are over. */
static bool is_expired(Way *way)
{
        krb5_cc_cursor cursor;
        krb5_creds creds;
        bool any = false, valid = false;

        if (krb5_cc_start_seq_get(way->context, way->cache, &cursor) != 0)
                return false;
        while (krb5_cc_next_cred(way->context, way->cache, &cursor, &creds) == 0) {
                if (!krb5_is_config_principal(way->context, creds.server)) {
                        any = true;
                        valid |= (time_t) (uint32_t) creds.times.endtime > time(NULL);
                }
                krb5_free_cred_contents(way->context, &creds);
        }
        (void) krb5_cc_end_seq_get(way->context, way->cache, &cursor);
        return any && !valid;
}

/* What GSSAPI will look for, so that it finds it in the cache. */
static krb5_error_code get_service_ticket(Way *way)
{
        krb5_creds wanted = { 0 }, *got = NULL;
        krb5_principal client = NULL;
        krb5_error_code code = krb5_cc_get_principal(way->context, way->cache, &client);

        if (!code && is_expired(way))
                code = KRB5KRB_AP_ERR_TKT_EXPIRED;
        wanted.client = client;
        wanted.server = way->service;
        if (!code)
                code = krb5_get_credentials(way->context, 0, way->cache, &wanted, &got);
        krb5_free_creds(way->context, got);
        krb5_free_principal(way->context, client);
        return code;
}

static krb5_error_code walk(Way *way)
{
        const KerberosSpec *wish = way->wish;
        krb5_error_code code = krb5_init_context(&way->context);

        if (!code)
                code = krb5_cc_resolve(way->context, wish->cache, &way->cache);
        if (!code)
                code = krb5_sname_to_principal(way->context,
                                               wish->host,
                                               "HTTP",
                                               KRB5_NT_SRV_HST,
                                               &way->service);
        if (code || (wish->filled && get_service_ticket(way) == 0))
                return code;
        code = wish->implicit ? copy_owners(way) : ask_kdc(way);
        return code ? code : get_service_ticket(way);
}

int kerberos_get(const KerberosSpec *wish, char **ret_text)
{
        Way way = { .wish = wish };
        krb5_error_code code = walk(&way);
        int r = code ? explain(&way, code, ret_text) : 0;

        if (!way.context)
                return r;
        krb5_free_principal(way.context, way.client);
        krb5_free_principal(way.context, way.service);
        if (way.cache)
                (void) krb5_cc_close(way.context, way.cache);
        krb5_free_context(way.context);
        return r;
}

int kerberos_use(const char *cache)
{
        OM_uint32 minor;

        return GSS_ERROR(gss_krb5_ccache_name(&minor, cache, NULL)) ? -EIO : 0;
}

void kerberos_forget(const char *cache)
{
        krb5_context context;
        krb5_ccache ccache;

        if (krb5_init_context(&context) != 0)
                return;
        if (krb5_cc_resolve(context, cache, &ccache) == 0)
                (void) krb5_cc_destroy(context, ccache);
        krb5_free_context(context);
}
