/* What an installation would do on this host, as text or JSON. */
#ifndef LOADER_PLAN_H
#define LOADER_PLAN_H

#include "loader/install.h"

/* Looks at everything, changes nothing. */
MUST_CHECK bool plan_show(struct install *in, struct err *e);

#endif
