/*
 * The private contract between dosvcd (manager/worker-link) and dosvc-worker
 * (worker/link): a sd-bus connection over a socketpair, never a bus. The worker
 * is the server side of the authentication. Both ends check what they read.
 *
 *   dosvcd                                     dosvc-worker
 *     │  start through dosvc-spawn ───────────────► exec; checks itself; sandbox
 *     │ ◄──────────────────────────────── Ready(u)  nothing is sent before this
 *     │  Download(…files)  ───────────────────────► opens directories, Landlock, transfers
 *     │ ◄────────── Authenticate(file, target, offered)   on 401 or 407
 *     │  reply (scheme, implicit, user, secret) ──►
 *     │ ◄─────────────────── FindProxies(url)        if proxies are to be searched for
 *     │  reply (proxies) ─────────────────────────►
 *     │  Changed(settings) ───────────────────────► for the requests that come next
 *     │ ◄──────────────────────── Progress(a(utt))  live figures, nothing durable
 *     │ ◄───────── Checkpoint(a FileRecord)         these bytes are on disk
 *     │ ◄──────── Finished() | Failed(…)            once, after the last Checkpoint
 *     │  closes the link ─────────────────────────► exits
 *
 * One worker, one task: Download, Publish or Clean. Stop() ends a Download early:
 * the worker syncs, sends a last Checkpoint and replies. Hang-up means the same
 * without a reply.
 *
 * FileRecord = (ussssssssssstttbua(tt))
 *   u index          number of the file in the job
 *   s remote_name    URL without user info
 *   s local_name     absolute path of the final file
 *   s temp_name      name of the temporary file in the directory of local_name; the worker makes
 *                    each further one under the next generation of it (worker/sink.h)
 *   s etag           as received, with its quotes and W/; "" = none
 *   s last_modified  as received; "" = none
 *   s effective_url  where the bytes came from after redirects; "" = nothing fetched yet
 *   s headers        the last response's header lines, without Set-Cookie and
 *                    authentication; at most LIMIT_RESPONSE_HEADERS bytes
 *   s checksum       the digest that the whole file must have, "sha256:HEX" (sha512, sha1, md5),
 *                    "" = none
 *   s restart_reason why the file began again the last time, a sentence; "" = never
 *   s named_url      the owner's name of the file, where the worker has put into remote_name what
 *                    a redirect said (RedirectPolicy); "" = remote_name is the owner's
 *   s coding         the Content-Encoding that the bytes have, in lower case without "identity",
 *                    "gzip,br"; "" = none; "?" = one that is not known
 *   t inode          st_ino of the temporary file; 0 = not known to be there
 *   t offset         bytes [0, offset) of the temporary file are on disk and belong to the
 *                    version that etag, last_modified and effective_url name
 *   t total          size of that version, UINT64_MAX = unknown
 *   b finished       the file is whole: offset is its size
 *   u restarts       how often the file began again from its first byte
 *   a(tt) ranges     parts wanted, (offset, length), length UINT64_MAX = to the end; empty = the
 *                    whole file. The temporary file holds them one after the other in this order;
 *                    offset and total above count bytes of the temporary file
 *
 * The texts come in the order of FILE_RECORD_TEXTS() in model/file-record.h.
 *
 * Failure = (ubussst), read and written by model/wire-failure
 *   u file           index of the file in the job; UINT32_MAX = none
 *   b transient      the failure may pass by itself
 *   u code           as in model/error-code.h, never 0
 *   s context        as in property Error of the job
 *   s description    a sentence for the owner; "" = none
 *   s url            without user info; "" = the failure is not about a URL
 *   t retry_after    seconds that the peer asked to wait, 0 = none
 *
 * Settings = a{sv}: the rows of model/job-settings.h that have SETTING_FOR_WORKER, by their names.
 * A setting that has its default is left out, and a worker refuses a name that is not in the list.
 * A secret (h) is a memfd like that of Authenticate. ProxySource says where the proxies come from:
 *   list        Proxies, unless a rule of ProxyBypass names the host; an empty list is "direct"
 *   session     FindProxies is asked for each origin: what the user's session says
 *   autodetect  FindProxies is asked for each origin: what the network says (WPAD)
 *
 * The settings of Changed are all those rows that have SETTING_CHANGES_LIVE as well, and one that
 * is left out has its default from now on. There is one such call at a time. A question that the
 * worker asked before its reply was about the old settings. If these were of proxies, a FindProxies
 * that is open when the reply comes ends with an error, and the worker uses no answer to it.
 */
#pragma once

#define WORKER_PROTOCOL_VERSION 8

#define WORKER_PATH      "/org/dosvc1/worker"
#define WORKER_INTERFACE "org.dosvc1.Worker"

/* The link is descriptor 3 of the worker. */
#define WORKER_LINK_FD 3

#define WORKER_FILE_SIGNATURE    "ussssssssssstttbua(tt)"
#define WORKER_FAILURE_SIGNATURE "ubussst"

/*
 * Methods of the worker.
 *   Download(s job_id, Settings settings, a FileRecord files) → ()
 *       replies at once; the work is told in signals.
 *   Publish(s job_id, u umask, a FileRecord files) → a Failure failures
 *       gives finished files their final names, and the mode, group and ACL of a file that the
 *       owner makes with that umask, 0 to 0777, or those of what they replace
 *       (worker/file-access); removes the temporary files of the others, and those that a worker
 *       made without recording them, whose names follow from job and file (worker/sink).
 *       One failure for each file that could not be dealt with; empty = all done. May be repeated.
 *   Clean(s job_id, a FileRecord files) → a Failure failures
 *       removes every temporary file that is still the one recorded, and the unrecorded.
 *   Changed(Settings settings) → ()
 *       after Download only. Transfers that run go on; the next request goes by these settings. A
 *       worker that fails the call, or does not reply in time, is ended.
 *   Stop() → ()
 */
#define WORKER_DOWNLOAD           "Download"
#define WORKER_DOWNLOAD_SIGNATURE "sa{sv}a(" WORKER_FILE_SIGNATURE ")"
#define WORKER_PUBLISH            "Publish"
#define WORKER_PUBLISH_SIGNATURE  "sua(" WORKER_FILE_SIGNATURE ")"
#define WORKER_CLEAN              "Clean"
#define WORKER_CLEAN_SIGNATURE    "sa(" WORKER_FILE_SIGNATURE ")"
#define WORKER_FAILURES_SIGNATURE "a(" WORKER_FAILURE_SIGNATURE ")"
#define WORKER_CHANGED            "Changed"
#define WORKER_CHANGED_SIGNATURE  "a{sv}"
#define WORKER_STOP               "Stop"

#define WORKER_PROXY_SOURCES(X)                                                                    \
        X(LIST, "list")                                                                            \
        X(SESSION, "session")                                                                      \
        X(AUTODETECT, "autodetect")

/*
 * Methods of the manager, called by the worker.
 *   Authenticate(u file, s target, as offered) → (s scheme, b implicit, s user, h secret)
 *       offered: schemes in the peer's last challenge. secret: memfd with the password or
 *       token, read from offset 0 to its end; an empty one when implicit. A repeated call
 *       that still offers the scheme given before says that it was refused; one that does not
 *       says that it could not be used here (no ticket), so that another may be given.
 *       Error org.dosvc1.Error.NotFound: nothing fits; the file fails with 401 or 407.
 *   FindProxies(s url) → (as proxies)
 *       only if ProxySource is not "list", one call at a time. url: of an origin,
 *       "scheme://host:port/". proxies: at least one, to be tried in this order, each
 *       "http://host:port", "https://host:port" or WORKER_PROXIES_DIRECT. Any error: they could
 *       not be found, its message is a sentence that says why.
 */
#define WORKER_AUTHENTICATE                 "Authenticate"
#define WORKER_AUTHENTICATE_SIGNATURE       "usas"
#define WORKER_AUTHENTICATE_REPLY_SIGNATURE "sbsh"

#define WORKER_FIND_PROXIES   "FindProxies"
#define WORKER_PROXIES_DIRECT "direct://"

/*
 * Signals of the worker.
 *   Ready(u version)                        sandbox is on
 *   Progress(a(utt))                        file, bytes received so far, total
 *   Checkpoint(a FileRecord)                whole records of the files that changed
 *   Finished()                              every file given is finished
 *   Failed(Failure)                         no further file is tried
 */
#define WORKER_READY                "Ready"
#define WORKER_READY_SIGNATURE      "u"
#define WORKER_PROGRESS             "Progress"
#define WORKER_PROGRESS_SIGNATURE   "a(utt)"
#define WORKER_CHECKPOINT           "Checkpoint"
#define WORKER_CHECKPOINT_SIGNATURE "a(" WORKER_FILE_SIGNATURE ")"
#define WORKER_FINISHED             "Finished"
#define WORKER_FAILED               "Failed"
