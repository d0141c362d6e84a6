/*
 * dosvc-secret: fetches the key of a user instance's vault from the Secret Service, or puts a new
 * one there, and writes its bytes to stdout as dbus/secret-wire.h says. It is a process of its own
 * because libsecret brings GLib and blocks; dosvcd kills it after a deadline.
 *
 * The key is one item of the default collection, in hexadecimal. This program never prompts, never
 * unlocks and never starts a bus; without a key its exit status says why.
 */
#include <libsecret/secret.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dbus/secret-wire.h"

#include "base/fd.h"
#include "base/macro.h"
#include "base/secret.h"

#include "confine/rights.h"

#define KEY_LABEL "Key of the download service dosvcd"

#define HEX_BYTES ((size_t) VAULT_KEY_BYTES * 2)

static const SecretSchema key_schema = {
        .name = "org.dosvc1.VaultKey",
        .flags = SECRET_SCHEMA_NONE,
        .attributes = { { "purpose", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

/* A SecretService that refuses to prompt ---------------------------------------------------- */

typedef SecretService SilentService;
typedef SecretServiceClass SilentServiceClass;

GType silent_service_get_type(void);
G_DEFINE_TYPE(SilentService, silent_service, SECRET_TYPE_SERVICE)

static GVariant *refuse_prompt(SecretService *service,
                               SecretPrompt *prompt,
                               GCancellable *cancellable,
                               const GVariantType *return_type,
                               GError **error)
{
        g_set_error_literal(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "prompts are refused");
        return NULL;
}

static void refuse_prompt_async(SecretService *service,
                                SecretPrompt *prompt,
                                const GVariantType *return_type,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
        g_task_report_new_error(service,
                                callback,
                                user_data,
                                NULL,
                                SECRET_ERROR,
                                SECRET_ERROR_IS_LOCKED,
                                "prompts are refused");
}

static GVariant *refuse_prompt_finish(SecretService *service, GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}

static void silent_service_class_init(SilentServiceClass *class)
{
        class->prompt_sync = refuse_prompt;
        class->prompt_async = refuse_prompt_async;
        class->prompt_finish = refuse_prompt_finish;
}

static void silent_service_init(SilentService *service)
{
}

/* Hexadecimal ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
        static const char digits[] = "0123456789abcdef";
        const char *found = c ? strchr(digits, c) : NULL;

        return found ? (int) (found - digits) : -1;
}

static bool hex_decode(const char *text, size_t size, Secret *ret)
{
        char *bytes = secret_data_writable(ret);

        if (size != HEX_BYTES)
                return false;
        for (size_t i = 0; i < VAULT_KEY_BYTES; i++) {
                int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                bytes[i] = (char) (high << 4 | low);
        }
        return true;
}

static void hex_encode(const Secret *key, char *ret)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < VAULT_KEY_BYTES; i++) {
                unsigned char byte = (unsigned char) secret_data(key)[i];

                ret[2 * i] = digits[byte >> 4];
                ret[2 * i + 1] = digits[byte & 0xf];
        }
}

/* The item ---------------------------------------------------------------------------------- */

static int exit_status(const GError *error)
{
        return g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED) ? VAULT_SECRET_LOCKED
                                                                            : VAULT_SECRET_FAILED;
}

static GHashTable *key_attributes(void)
{
        return secret_attributes_build(&key_schema, "purpose", "vault", NULL);
}

static bool item_read(SecretItem *item, Secret *ret)
{
        SecretValue *value = secret_item_get_secret(item);
        const char *text;
        gsize size;
        bool valid;

        if (!value)
                return false;
        text = secret_value_get(value, &size);
        valid = hex_decode(text, size, ret);
        secret_value_unref(value);
        return valid;
}

/* Takes the oldest item that holds a key. -ENOENT: there is none; else an exit status. */
static int find_key(SecretCollection *collection, Secret *ret)
{
        const SecretSearchFlags flags = SECRET_SEARCH_ALL | SECRET_SEARCH_LOAD_SECRETS;
        g_autoptr(GHashTable) attributes = key_attributes();
        g_autoptr(GError) error = NULL;
        _cleanup_(secret_freep) Secret *candidate = NULL;
        guint64 oldest = G_MAXUINT64;
        int result = -ENOENT;
        GList *items;

        if (secret_new(VAULT_KEY_BYTES, &candidate) < 0)
                return VAULT_SECRET_FAILED;
        items = secret_collection_search_sync(collection,
                                              &key_schema,
                                              attributes,
                                              flags,
                                              NULL,
                                              &error);
        if (error)
                return exit_status(error);

        for (GList *link = items; link; link = link->next) {
                SecretItem *item = link->data;

                if (secret_item_get_locked(item)) {
                        result = VAULT_SECRET_LOCKED;
                        break;
                }
                if (secret_item_get_created(item) >= oldest || !item_read(item, candidate))
                        continue;
                oldest = secret_item_get_created(item);
                memcpy(secret_data_writable(ret), secret_data(candidate), VAULT_KEY_BYTES);
                result = VAULT_SECRET_OK;
        }
        g_list_free_full(items, g_object_unref);
        return result;
}

/* If there is an item of the service whose content is no key, it is replaced. */
static int create_key(SecretCollection *collection, Secret *ret)
{
        g_autoptr(GHashTable) attributes = key_attributes();
        g_autoptr(SecretItem) item = NULL;
        g_autoptr(GError) error = NULL;
        _cleanup_(secret_freep) Secret *text = NULL;
        SecretValue *value;

        if (secret_new(HEX_BYTES, &text) < 0 ||
            getrandom(secret_data_writable(ret), VAULT_KEY_BYTES, 0) != VAULT_KEY_BYTES)
                return VAULT_SECRET_FAILED;
        hex_encode(ret, secret_data_writable(text));

        value = secret_value_new(secret_data(text), (gssize) HEX_BYTES, "text/plain");
        item = secret_item_create_sync(collection,
                                       &key_schema,
                                       attributes,
                                       KEY_LABEL,
                                       value,
                                       SECRET_ITEM_CREATE_REPLACE,
                                       NULL,
                                       &error);
        secret_value_unref(value);
        return item ? VAULT_SECRET_OK : exit_status(error);
}

static int fetch_key(Secret *ret)
{
        g_autoptr(SecretService) service = NULL;
        g_autoptr(SecretCollection) collection = NULL;
        g_autoptr(GError) error = NULL;
        int r;

        service = secret_service_open_sync(silent_service_get_type(),
                                           NULL,
                                           SECRET_SERVICE_OPEN_SESSION,
                                           NULL,
                                           NULL);
        if (!service)
                return VAULT_SECRET_ABSENT;

        collection = secret_collection_for_alias_sync(service,
                                                      SECRET_COLLECTION_DEFAULT,
                                                      SECRET_COLLECTION_NONE,
                                                      NULL,
                                                      &error);
        if (error)
                return exit_status(error);
        if (!collection)
                return VAULT_SECRET_ABSENT;
        if (secret_collection_get_locked(collection))
                return VAULT_SECRET_LOCKED;

        r = find_key(collection, ret);
        return r == -ENOENT ? create_key(collection, ret) : r;
}

/* Asked beforehand, since GLib would start a bus if there is none. */
static bool has_session_bus(void)
{
        const char *runtime_dir = g_getenv("XDG_RUNTIME_DIR");
        char path[4096];

        if (g_getenv("DBUS_SESSION_BUS_ADDRESS"))
                return true;
        return runtime_dir &&
               snprintf(path, sizeof(path), "%s/bus", runtime_dir) < (int) sizeof(path) &&
               access(path, F_OK) == 0;
}

int main(void)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        if (rights_forbid_dumps() < 0 || secret_new(VAULT_KEY_BYTES, &key) < 0)
                return VAULT_SECRET_FAILED;
        if (!has_session_bus())
                return VAULT_SECRET_ABSENT;

        r = fetch_key(key);
        if (r == VAULT_SECRET_OK &&
            fd_write_all(STDOUT_FILENO, secret_data(key), VAULT_KEY_BYTES) < 0)
                r = VAULT_SECRET_FAILED;
        return r;
}
