/*
 * Where the programs under test are installed: the directory of $DOSVC_INSTALL_ROOT, filled by
 * `make install DESTDIR=` before the tests run, root-owned and readable for every uid.
 */
#pragma once

/* Ends the program with a sentence when the variable or the programs are not there. */
const char *install_root_dir(void);

/* A program of libexecdir ("dosvcd") or of bindir ("dosvcctl"); valid until the next call. */
const char *install_root_daemon(const char *name);
const char *install_root_command(const char *name);

/* "LD_LIBRARY_PATH=…" for a program of bindir, which finds the staged libdosvc by it. */
const char *install_root_library_path(void);
