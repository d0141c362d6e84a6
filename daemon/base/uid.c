#include "base/uid.h"

/* setresuid(2) and chown(2) read this as "leave it as it is". */
#define UID_NO_CHANGE ((uid_t) -1)

/* "nobody": the kernel shows it for each uid that a user namespace does not map. */
#define UID_NOBODY 65534U

/* (uint16_t) -1, which old file systems and system calls show for uids that do not fit. */
#define UID_OVERFLOW_16 65535U

/* DynamicUser= takes them from here for one run of a unit, https://systemd.io/UIDS-GIDS. */
#define UID_DYNAMIC_MIN 61184U
#define UID_DYNAMIC_MAX 65519U

bool uid_is_refused(uid_t uid)
{
        return uid == UID_NO_CHANGE || uid == UID_NOBODY || uid == UID_OVERFLOW_16 ||
               (uid >= UID_DYNAMIC_MIN && uid <= UID_DYNAMIC_MAX);
}
