/* A --database-url-file: what is accepted fits its fields and names one host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loader/db/db_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(db_target_clear_auto) struct db_target t = { 0 };
    struct err e = { 0 };
    if (!db_target_parse_url(&t, (const char *)bytes, n, "/ca.pem", "url", &e)) {
        if (e.code != ERR_CONFIG)
            abort();
        return 0;
    }
    if (t.kind != DB_SITE || t.host[0] == '\0' || t.host[0] == '/' || t.dbname[0] == '\0' || t.user[0] == '\0' || t.port == 0 ||
        t.port > 65535 || !secret_is_set(&t.password) || t.ca_file == NULL)
        abort();
    return 0;
}
