#include "manager/live-settings.h"

#include <errno.h>
#include <stdlib.h>

#include "dbus/worker-wire.h"

#include "base/clock.h"

#include "model/wire-settings.h"

/* A worker may be busy with the disk for as long as this; worker-link's Ping waits as long. */
#define REPLY_TIMEOUT_USEC (60 * USEC_PER_SEC)

struct LiveSettings {
        sd_bus *bus;        /* borrowed */
        Answers *answers;   /* borrowed */
        JobSettings sent;   /* what the worker was told last; the members that can change live */
        sd_bus_slot *call;  /* that told it; NULL: the worker has replied */
        SettingSet changed; /* by that call */
        JobSettings latest; /* what it is told after its reply */
        bool has_latest;
        live_settings_failed_t failed;
        void *userdata;
};

int live_settings_new(sd_bus *bus,
                      Answers *answers,
                      JobSettings *settings,
                      live_settings_failed_t failed,
                      void *userdata,
                      LiveSettings **ret)
{
        LiveSettings *live = calloc(1, sizeof(*live));

        if (!live)
                return -ENOMEM;
        live->bus = bus;
        live->answers = answers;
        live->failed = failed;
        live->userdata = userdata;
        job_settings_init(&live->sent);
        (void) job_settings_exchange(&live->sent, settings, SETTING_FOR_ANY_WORKER);
        *ret = live;
        return 0;
}

LiveSettings *live_settings_free(LiveSettings *live)
{
        if (!live)
                return NULL;
        sd_bus_slot_unref(live->call);
        job_settings_done(&live->sent);
        job_settings_done(&live->latest);
        free(live);
        return NULL;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error);

static int send_changed(LiveSettings *live)
{
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(live->bus,
                                               &m,
                                               NULL,
                                               WORKER_PATH,
                                               WORKER_INTERFACE,
                                               WORKER_CHANGED);

        if (r >= 0)
                r = wire_append_settings(m, &live->sent, SETTING_FOR_ANY_WORKER);
        if (r >= 0)
                r = sd_bus_call_async(live->bus,
                                      &live->call,
                                      m,
                                      on_reply,
                                      live,
                                      REPLY_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}

/* Tells the worker the latest settings unless it goes by them already. */
static int send_latest(LiveSettings *live)
{
        if (live->call || !live->has_latest)
                return 0;
        live->has_latest = false;
        live->changed = job_settings_exchange(&live->sent, &live->latest, SETTING_FOR_ANY_WORKER);
        return live->changed ? send_changed(live) : 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        LiveSettings *live = userdata;

        live->call = sd_bus_slot_unref(live->call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                /* A link that is closed ends the worker for its own reason. */
                if (sd_bus_is_open(live->bus) > 0)
                        live->failed(live->userdata);
                return 0;
        }
        if (live->changed & SETTINGS_OF_PROXIES)
                answers_change_proxies(live->answers, (ProxySource) live->sent.proxy_source);
        if (send_latest(live) < 0)
                live->failed(live->userdata);
        return 0;
}

int live_settings_change(LiveSettings *live, const JobSettings *settings)
{
        JobSettings copy;
        int r = job_settings_copy(&copy, settings);

        if (r < 0)
                return r;
        job_settings_done(&live->latest);
        live->latest = copy;
        live->has_latest = true;
        return send_latest(live);
}

void live_settings_stop(LiveSettings *live)
{
        if (!live)
                return;
        live->call = sd_bus_slot_unref(live->call);
        live->has_latest = false;
}
