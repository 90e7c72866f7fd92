/* The key of this host: made when it is needed first, used for what the host itself vouches for (a consolidated bundle).
 * ROOT/etc/archon/host.key, readable by its owner alone, and host.pub beside it. Nobody trusts it by itself, not even this host: whoever is
 * to believe it adds host.pub to the store (archon-load trust add). */
#ifndef CERTS_HOST_KEY_H
#define CERTS_HOST_KEY_H

#include "certs/key.h"

/* root: null or "/" for the machine. *was_made: by this call. ERR_CONFIG when what is there is odd, ERR_IO. */
MUST_CHECK struct key_private *host_key_open(const char *root, bool *was_made, struct err *e);
/* Of host.pub (mem_free). */
char *host_key_public_path(const char *root);

#endif
