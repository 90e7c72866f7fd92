/* Ports of this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/requires.h"

/* Listens on a port that the kernel chooses. */
static int listener(int family, unsigned *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    memset(&at, 0, sizeof at);
    socklen_t n = family == AF_INET ? sizeof at.v4 : sizeof at.v6;
    const int yes = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    at.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
        at.v6.sin6_addr = in6addr_loopback;
    } else {
        at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (bind(fd, &at.any, n) != 0 || listen(fd, 1) != 0 || getsockname(fd, &at.any, &n) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
    return fd;
}

static void a_port_that_somebody_listens_on_is_taken(void **state)
{
    (void)state;
    unsigned port = 0;
    int fd = listener(AF_INET, &port);
    assert_true(fd >= 0);
    assert_false(requires_port_is_free(port)); /* though only on loopback: publishing it on every address would fail */
    close(fd);
    assert_true(requires_port_is_free(port));
}

static void so_is_one_of_the_other_family(void **state)
{
    (void)state;
    unsigned port = 0;
    int fd = listener(AF_INET6, &port);
    if (fd < 0)
        return; /* a host without IPv6 has no such ports */
    assert_false(requires_port_is_free(port));
    close(fd);
    assert_true(requires_port_is_free(port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_somebody_listens_on_is_taken),
        cmocka_unit_test(so_is_one_of_the_other_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
