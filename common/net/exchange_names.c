/* A certificate that names its host only as common name is not believed: no authority has checked such a name for twenty years, and browsers, Go and OpenSSL's
 * own check do not look at it. libcurl still does, so this is asked between the handshake and the request: before anything secret is sent. */
#include <string.h>

#include "base/text.h"
#include "net/exchange.h"

#include "base/banned.h"

static bool has_names(const struct curl_slist *certificate)
{
    for (; certificate != NULL; certificate = certificate->next)
        if (text_starts(certificate->data, "X509v3 Subject Alternative Name:"))
            return true;
    return false;
}

/* A connection that is used again tells of no certificates: it was asked when it was new. */
int exchange_on_ready(void *ctx, char *to_ip, char *from_ip, int to_port, int from_port)
{
    (void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
    struct exchange *x = ctx;
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(x->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL || chain->num_of_certs == 0 || has_names(chain->certinfo[0]))
        return CURL_PREREQFUNC_OK;
    x->is_lasting = true;
    err_set(&x->err, ERR_NET, "%s: its certificate has no subject alternative names, and a common name is not believed", URL_ORIGIN(&x->url));
    err_hint(&x->err, "have a certificate made for it with subjectAltName");
    return CURL_PREREQFUNC_ABORT;
}
