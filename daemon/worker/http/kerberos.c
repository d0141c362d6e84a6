#include "worker/http/kerberos.h"

#include <ctype.h>
#include <errno.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

/* State that the calls of libkrb5 share on the way to a ticket. */
typedef struct Exchange {
        const KerberosSpec *spec;
        krb5_context context;
        krb5_ccache cache;
        krb5_principal client;
        krb5_principal service;
} Exchange;

/* The meaning of libkrb5's codes for people. EACCES: the identity was refused. */
static const struct {
        krb5_error_code code;
        int error;
        const char *text; /* NULL: libkrb5's own text */
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
        { KRB5_PARSE_MALFORMED, EACCES, "the user name is malformed" },
        { ENOMEM, ENOMEM, NULL },
};

static const char *identity(const Exchange *exchange)
{
        return exchange->spec->implicit ? "the owner's tickets" : exchange->spec->user_name;
}

/* The cache to name in messages: TicketCache is only used for implicit credentials. */
static const char *named_cache(const Exchange *exchange)
{
        const char *cache = exchange->spec->owners_cache;

        return exchange->spec->implicit && !str_is_empty(cache) ? cache : "";
}

static int explain(const Exchange *exchange, krb5_error_code code, char **ret_text)
{
        const char *text = NULL, *detail = NULL;
        int error = EIO;

        for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
                if (meanings[i].code == code) {
                        error = meanings[i].error;
                        text = meanings[i].text;
                }
        if (!text && exchange->context)
                detail = krb5_get_error_message(exchange->context, code);
        if (str_format(ret_text,
                       "Negotiate with %s%s%s at %s was not possible: %s.",
                       identity(exchange),
                       named_cache(exchange)[0] ? " in " : "",
                       named_cache(exchange),
                       exchange->spec->host,
                       text     ? text
                       : detail ? detail
                                : "Kerberos is not configured") < 0)
                *ret_text = NULL;
        if (detail)
                krb5_free_error_message(exchange->context, detail);
        return -error;
}

/* "REALM\user" is taken as well: the realm is the Windows domain in capital letters. */
static krb5_error_code parse_user(Exchange *exchange)
{
        const char *name = exchange->spec->user_name, *backslash = strchr(name, '\\');
        _cleanup_free_ char *full = NULL;
        char *realm;

        if (!backslash)
                return krb5_parse_name(exchange->context, name, &exchange->client);
        if (str_format(&full, "%s@%.*s", backslash + 1, (int) (backslash - name), name) < 0)
                return ENOMEM;
        for (realm = full + strlen(backslash + 1); *realm; realm++)
                *realm = (char) toupper((unsigned char) *realm);
        return krb5_parse_name(exchange->context, full, &exchange->client);
}

/* Gets the ticket-granting ticket from the KDC. */
static krb5_error_code ask_kdc(Exchange *exchange)
{
        krb5_get_init_creds_opt *options = NULL;
        krb5_creds creds = { 0 };
        krb5_error_code code = parse_user(exchange);

        if (!code)
                code = krb5_get_init_creds_opt_alloc(exchange->context, &options);
        if (!code) {
                /* Only this process uses the ticket. */
                krb5_get_init_creds_opt_set_forwardable(options, 0);
                krb5_get_init_creds_opt_set_proxiable(options, 0);
                code = krb5_get_init_creds_password(exchange->context,
                                                    &creds,
                                                    exchange->client,
                                                    secret_data(exchange->spec->secret),
                                                    NULL,
                                                    NULL,
                                                    0,
                                                    NULL,
                                                    options);
        }
        if (!code)
                code = krb5_cc_initialize(exchange->context, exchange->cache, exchange->client);
        if (!code)
                code = krb5_cc_store_cred(exchange->context, exchange->cache, &creds);
        krb5_free_cred_contents(exchange->context, &creds);
        krb5_get_init_creds_opt_free(exchange->context, options);
        return code;
}

/* The cache that the owner's own programs would use for that service. */
static krb5_error_code find_owners_cache(Exchange *exchange, krb5_ccache *ret)
{
        krb5_principal whose = NULL;
        krb5_error_code code;

        if (!str_is_empty(exchange->spec->owners_cache))
                return krb5_cc_resolve(exchange->context, exchange->spec->owners_cache, ret);
        code = krb5_cc_select(exchange->context, exchange->service, ret, &whose);
        krb5_free_principal(exchange->context, whose);
        return code ? krb5_cc_default(exchange->context, ret) : 0;
}

static krb5_error_code copy_owners(Exchange *exchange)
{
        krb5_ccache from = NULL;
        krb5_error_code code = find_owners_cache(exchange, &from);

        if (!code)
                code = krb5_cc_get_principal(exchange->context, from, &exchange->client);
        if (!code)
                code = krb5_cc_initialize(exchange->context, exchange->cache, exchange->client);
        if (!code)
                code = krb5_cc_copy_creds(exchange->context, from, exchange->cache);
        if (from)
                (void) krb5_cc_close(exchange->context, from);
        return code;
}

/* The cache holds tickets, and all of them have expired. */
static bool is_expired(Exchange *exchange)
{
        krb5_cc_cursor cursor;
        krb5_creds creds;
        bool any = false, valid = false;

        if (krb5_cc_start_seq_get(exchange->context, exchange->cache, &cursor) != 0)
                return false;
        while (krb5_cc_next_cred(exchange->context, exchange->cache, &cursor, &creds) == 0) {
                if (!krb5_is_config_principal(exchange->context, creds.server)) {
                        any = true;
                        valid |= (time_t) (uint32_t) creds.times.endtime > time(NULL);
                }
                krb5_free_cred_contents(exchange->context, &creds);
        }
        (void) krb5_cc_end_seq_get(exchange->context, exchange->cache, &cursor);
        return any && !valid;
}

/* Puts the ticket that GSSAPI will look for into the cache. */
static krb5_error_code get_service_ticket(Exchange *exchange)
{
        krb5_creds wanted = { 0 }, *got = NULL;
        krb5_principal client = NULL;
        krb5_error_code code = krb5_cc_get_principal(exchange->context, exchange->cache, &client);

        if (!code && is_expired(exchange))
                code = KRB5KRB_AP_ERR_TKT_EXPIRED;
        wanted.client = client;
        wanted.server = exchange->service;
        if (!code)
                code = krb5_get_credentials(exchange->context, 0, exchange->cache, &wanted, &got);
        krb5_free_creds(exchange->context, got);
        krb5_free_principal(exchange->context, client);
        return code;
}

static krb5_error_code get_ticket(Exchange *exchange)
{
        const KerberosSpec *spec = exchange->spec;
        krb5_error_code code = krb5_init_context(&exchange->context);

        if (!code)
                code = krb5_cc_resolve(exchange->context, spec->cache, &exchange->cache);
        if (!code)
                code = krb5_sname_to_principal(exchange->context,
                                               spec->host,
                                               "HTTP",
                                               KRB5_NT_SRV_HST,
                                               &exchange->service);
        if (code || (spec->filled && get_service_ticket(exchange) == 0))
                return code;
        code = spec->implicit ? copy_owners(exchange) : ask_kdc(exchange);
        return code ? code : get_service_ticket(exchange);
}

int kerberos_get(const KerberosSpec *spec, char **ret_text)
{
        Exchange exchange = { .spec = spec };
        krb5_error_code code = get_ticket(&exchange);
        int r = code ? explain(&exchange, code, ret_text) : 0;

        if (!exchange.context)
                return r;
        krb5_free_principal(exchange.context, exchange.client);
        krb5_free_principal(exchange.context, exchange.service);
        if (exchange.cache)
                (void) krb5_cc_close(exchange.context, exchange.cache);
        krb5_free_context(exchange.context);
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
