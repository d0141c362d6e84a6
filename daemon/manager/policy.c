#include "manager/policy.h"

#include <errno.h>

typedef enum Access {
        ACCESS_NOBODY, /* a verb without a row in the table */
        ACCESS_ANY,
        ACCESS_OWNER,
        ACCESS_OWNER_OR_ROOT,
        ACCESS_ROOT,
} Access;

static const Access access_table[VERBS_MAX] = {
        [VERB_CREATE_JOB] = ACCESS_ANY,
        [VERB_LIST] = ACCESS_ANY,
        [VERB_LIST_ALL] = ACCESS_ROOT,
        [VERB_SUBSCRIBE] = ACCESS_ANY,
        [VERB_SUBSCRIBE_ALL] = ACCESS_ROOT,
        [VERB_LOOK] = ACCESS_OWNER_OR_ROOT,
        [VERB_ADD_FILE] = ACCESS_OWNER,
        [VERB_SET_PROPERTY] = ACCESS_OWNER,
        [VERB_RESUME] = ACCESS_OWNER_OR_ROOT,
        [VERB_SUSPEND] = ACCESS_OWNER_OR_ROOT,
        [VERB_CANCEL] = ACCESS_OWNER_OR_ROOT,
        [VERB_COMPLETE] = ACCESS_OWNER,
        [VERB_TAKE_OWNERSHIP] = ACCESS_ROOT,
        [VERB_SET_CREDENTIALS] = ACCESS_OWNER,
        [VERB_REMOVE_CREDENTIALS] = ACCESS_OWNER,
        [VERB_READ_CREDENTIAL_SLOTS] = ACCESS_OWNER,
        [VERB_SET_REMOTE_NAME] = ACCESS_OWNER,
        [VERB_SET_HEADERS] = ACCESS_OWNER,
        [VERB_READ_HEADERS] = ACCESS_OWNER,
        [VERB_SET_CERTIFICATE] = ACCESS_OWNER,
        [VERB_REMOVE_CERTIFICATE] = ACCESS_OWNER,
        [VERB_RELOAD] = ACCESS_ROOT,
        [VERB_RELOAD_OWN] = ACCESS_ANY,
};

int policy_check(const Caller *caller, Verb verb, const Job *job)
{
        bool root = caller->uid == 0;
        bool owner = job && job->owner->uid == caller->uid;
        bool allowed = false;

        switch (access_table[verb]) {
        case ACCESS_ANY:
                allowed = true;
                break;
        case ACCESS_OWNER:
                allowed = owner;
                break;
        case ACCESS_OWNER_OR_ROOT:
                allowed = owner || root;
                break;
        case ACCESS_ROOT:
                allowed = root;
                break;
        case ACCESS_NOBODY:
        default:
                break;
        }
        if (allowed)
                return 0;
        return job && !owner && !root ? -ENOENT : -EACCES;
}

int policy_is_exempt(const Caller *caller)
{
        return caller->uid == 0;
}
