/*
 * A network of the test's own: a namespace with nothing but its loopback device, which the test
 * takes up and down. What is on 127.0.0.1 cannot be reached while it is down. Needs root.
 */
#pragma once

#include <stdbool.h>

/* This process, and those that it starts from now on, leave the machine's network. */
void network_leave(void);
/* The loopback device, in the namespace of this process; fails the test if it cannot be done. */
void network_set(bool up);
