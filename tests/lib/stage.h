/*
 * Where the programs under test are installed: the directory of $DOSVC_STAGE, filled by
 * `make install DESTDIR=` before the tests run, root-owned and readable for every uid.
 */
#pragma once

/* Ends the program with a sentence when the variable or the programs are not there. */
const char *stage_dir(void);

/* A program of libexecdir ("dosvcd") or of bindir ("dosvcctl"); valid until the next call. */
const char *stage_daemon(const char *name);
const char *stage_command(const char *name);

/* "LD_LIBRARY_PATH=…" for a program of bindir, which finds the staged libdosvc by it. */
const char *stage_library_path(void);
