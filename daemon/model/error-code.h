/*
 * Numbers of the Error property of a job and their names, made from the public list in
 * dbus/dosvc-wire.h. HTTP statuses are 0x80190000 | status, named "http-<status>".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

#define ERROR_CODE_HTTP(status) (0x80190000u | (uint32_t) (status))

/* A server or proxy has answered. */
#define ERROR_CODE_IS_HTTP(code) (((code) &0xffff0000u) == ERROR_CODE_HTTP(0))

#define ERROR_CODE_ENUM(name, number, text, class) ERROR_CODE_##name = (int) (number),
enum { DOSVC_JOB_ERRORS(ERROR_CODE_ENUM) };

/* Room for the longest name, "proxy-name-resolution-failure", and its NUL. */
#define ERROR_CODE_NAME_MAX 32

/* Writes the name of the code, or "0x%08x" when it has none; returns buffer. */
const char *error_code_name(uint32_t code, char buffer[static ERROR_CODE_NAME_MAX]);
