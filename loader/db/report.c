/* Telling, if anybody listens. */
#include "loader/db/report.h"

#include "base/banned.h"

void db_report_tell(const struct db_report *r, const struct db_fact *fact)
{
    if (r != NULL && r->fn != NULL)
        r->fn(r->ctx, fact);
}
