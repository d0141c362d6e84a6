#include "manager/job-order.h"

#include "base/str.h"

#include "manager/proxy-finder.h"
#include "manager/sealed.h"

/* Sets where the worker finds its proxies. The lists in the view are borrowed. */
static void choose_proxies(const ManagerParts *parts, const Job *job, JobSettings *view)
{
        const Config *config = parts->config;
        /* The configuration of the service takes precedence over the user's session. */
        bool ask = strings_count(config->proxies) == 0 && parts->only_uid >= 0 &&
                   proxy_finder_has_session();

        if (job->settings.proxy_usage == PROXY_USAGE_OVERRIDE)
                return;
        view->proxies = view->proxy_bypass = NULL;
        if (job->settings.proxy_usage == PROXY_USAGE_AUTODETECT) {
                view->proxy_source = PROXY_SOURCE_AUTODETECT;
        } else if (job->settings.proxy_usage == PROXY_USAGE_PRECONFIG && ask) {
                view->proxy_source = PROXY_SOURCE_SESSION;
        } else if (job->settings.proxy_usage == PROXY_USAGE_PRECONFIG) {
                view->proxies = config->proxies;
                view->proxy_bypass = config->proxy_bypass;
        }
}

JobSettings job_order_view(const ManagerParts *parts, const Job *job)
{
        JobSettings view = job->settings;

        choose_proxies(parts, job, &view);
        view.disk_reserve_bytes = parts->config->disk_reserve_bytes;
        return view;
}

int job_order_collect(const ManagerParts *parts,
                      const Job *job,
                      JobSettings *ret,
                      const char **ret_lost)
{
        JobSettings view = job_order_view(parts, job), settings = { 0 };
        int r;

        r = job_settings_copy(&settings, &view);
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
                job_settings_done(&settings);
                return r;
        }
        *ret = settings;
        return 0;
}
