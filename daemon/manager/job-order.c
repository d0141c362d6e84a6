#include "manager/job-order.h"

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "manager/proxy-finder.h"
#include "manager/sealed.h"

/* Puts a list of proxies into view, or a question that the worker shall ask. All is borrowed. */
static void choose_proxies(const ManagerParts *parts, const Job *job, TransferSettings *view)
{
        static char session[] = WORKER_PROXIES_SESSION, autodetect[] = WORKER_PROXIES_AUTODETECT;
        static char *ask_session[] = { session, NULL }, *ask_autodetect[] = { autodetect, NULL };
        const Config *config = parts->config;
        /* The configuration of the service takes precedence over the user's session. */
        bool ask = strings_count(config->proxies) == 0 && parts->only_uid >= 0 &&
                   proxy_finder_has_session();

        if (job->proxy_usage == PROXY_USAGE_OVERRIDE)
                return;
        view->proxies = view->proxy_bypass = NULL;
        if (job->proxy_usage == PROXY_USAGE_AUTODETECT) {
                view->proxies = ask_autodetect;
        } else if (job->proxy_usage == PROXY_USAGE_PRECONFIG) {
                view->proxies = ask ? ask_session : config->proxies;
                view->proxy_bypass = ask ? NULL : config->proxy_bypass;
        }
}

int job_order_collect(const ManagerParts *parts,
                      const Job *job,
                      TransferSettings *ret,
                      const char **ret_lost)
{
        TransferSettings view = job->settings, settings = { 0 };
        int r;

        choose_proxies(parts, job, &view);
        view.disk_reserve_bytes = parts->config->disk_reserve_bytes;
        r = transfer_settings_copy(&settings, &view);
        *ret_lost = "The custom headers of the job were lost; set them again.";
        if (r >= 0)
                r = sealed_open(parts->store, parts->vault, job, VAULT_HEADERS, &settings.headers);
        if (r >= 0) {
                *ret_lost = "The password for the key of the client certificate was lost; set the "
                            "certificate again.";
                r = sealed_open(parts->store,
                                parts->vault,
                                job,
                                VAULT_KEY_PASSWORD,
                                &settings.key_password);
        }
        if (r < 0) {
                transfer_settings_done(&settings);
                return r;
        }
        *ret = settings;
        return 0;
}
