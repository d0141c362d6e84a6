/*
 * TransferSettings ⇄ sd_bus_message, the a{sv} Settings of dbus/worker-wire.h; beside wire-codec.h,
 * and as suspicious of its peer.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "model/settings.h"

/* What has its default is left out; secrets go as sealed memory files. */
int wire_append_settings(sd_bus_message *m, const TransferSettings *settings);
/* Complete and checked; free with transfer_settings_done(). -EBADMSG, -ENOMEM. */
int wire_read_settings(sd_bus_message *m, TransferSettings *ret);
