/* Small things around the crypto library. */
#include "certs/crypto.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/text.h"

#include "base/banned.h"

void bio_auto(struct bio_st **b)
{
    BIO_free(*b);
}

bool crypto_fail(struct err *e, enum err_code code, const char *what)
{
    unsigned long number = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(number);
    ERR_clear_error();
    return err_set(e, code, "%s: %s", what, words == NULL ? "the crypto library refused" : SHOWN(words));
}
