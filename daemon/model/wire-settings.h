/*
 * Settings of a job ⇄ sd_bus_message: one value, as the property of org.dosvc1.Job and the private
 * link both have it, and the a{sv} Settings of dbus/worker-wire.h. It stands beside wire-codec.h
 * and is as suspicious of its peer.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "model/job-settings.h"

/* The bare value of a setting of any type but SECRET. */
int wire_append_setting(sd_bus_message *m, const JobSettings *settings, SettingId id);
/*
 * The same back, checked by setting_check(), whose errors it gives with a fault; other errors come
 * without one. The text is borrowed from the message; free with setting_value_done().
 */
int wire_read_setting(sd_bus_message *m, SettingId id, SettingValue *ret, SettingFault *fault);

/*
 * The settings that have all of these flags: SETTING_FOR_WORKER in an order, SETTING_FOR_ANY_WORKER
 * in Changed. Secrets go as sealed memory files.
 */
int wire_append_settings(sd_bus_message *m, const JobSettings *settings, unsigned flags);
/*
 * Complete and checked, the others have their defaults; free with job_settings_done(). -EBADMSG,
 * also for a setting without the flags; -ENOMEM.
 */
int wire_read_settings(sd_bus_message *m, unsigned flags, JobSettings *ret);
