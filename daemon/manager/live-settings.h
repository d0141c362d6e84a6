/*
 * The settings of a running worker that change without ending it (SETTING_CHANGES_LIVE). Tells the
 * worker of a change, one call of Changed at a time, so that a worker that does not read cannot
 * make a queue of them; worker/link takes it. Of several changes that come meanwhile, it is told
 * the outcome.
 *
 * The answers to the worker's questions follow when it has replied. Messages come in order, so a
 * question that it asked before came before the reply and was answered by the old settings.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

#include "manager/answers.h"
#include "model/job-settings.h"

typedef struct LiveSettings LiveSettings;

/* The worker refused its settings, did not reply in time, or could not be told. */
typedef void (*live_settings_failed_t)(void *userdata);

/*
 * For a worker that has its order already, with these settings: those that can change live are
 * taken out of them. The bus and the answers are borrowed. failed() is called from the loop.
 * -ENOMEM.
 */
int live_settings_new(sd_bus *bus,
                      Answers *answers,
                      JobSettings *settings,
                      live_settings_failed_t failed,
                      void *userdata,
                      LiveSettings **ret);
LiveSettings *live_settings_free(LiveSettings *live);
DEFINE_CLEANUP(LiveSettings *, live_settings_free);

/* The settings are these now; the worker is told if it goes by others. Any error: it cannot be. */
int live_settings_change(LiveSettings *live, const JobSettings *settings);

/* The worker is told nothing more, and no reply of it counts. Accepts NULL. */
void live_settings_stop(LiveSettings *live);
