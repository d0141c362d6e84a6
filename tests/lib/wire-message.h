/*
 * One message of the private link without a link: a test writes it, seals it, and reads it as the
 * other side would.
 */
#pragma once

#include <systemd/sd-bus.h>

extern sd_bus_message *message;

/* A new empty message; a second one only after message_teardown(). */
void message_setup(void);
void message_teardown(void);
/* Makes the message readable, from its beginning. */
void message_seal(void);
