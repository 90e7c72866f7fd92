/* What a registry keeps beside a manifest or index: the referrers API of the OCI distribution-spec 1.1, and the tag that stands in for it
 * in registries without. */
#ifndef REGISTRY_REFERRERS_H
#define REGISTRY_REFERRERS_H

#include "format/artifact.h"
#include "format/ref.h"
#include "registry/registry.h"

enum registry_referrers_from { REFERRERS_NOWHERE, REFERRERS_API, REFERRERS_TAG };

/* Every entry for subject in ref's repository, whatever its kind, over all pages, into out, which is empty. *from tells whether the
 * registry has the API, or else the tag sha256-<hex>; REFERRERS_NOWHERE: neither, which says that there are none. ERR_REGISTRY: nonsense,
 * or more than LIMIT_REFERRERS; pull.h for ERR_NET and ERR_AUTH. */
MUST_CHECK bool registry_referrers(struct registry *r, const struct ref *ref, const struct digest *subject, struct referrers *out,
                                   enum registry_referrers_from *from, struct err *e);

#endif
