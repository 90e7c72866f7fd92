/* The host against `requires` of the definition. */
#include "loader/requires.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "app/template.h"
#include "base/num.h"
#include "base/text.h"
#include "engine/containers.h"
#include "sys/file.h"

#include "base/banned.h"

/* Who buys 2 GiB finds a little less: the kernel keeps a part for itself. */
#define MEMORY_SHARE(bytes) ((bytes) / 8 * 7)

/* --- ports -------------------------------------------------------------------------------------------------------- */

static bool can_bind(int family, const void *address, socklen_t n)
{
    const int yes = 1;
    AUTO(fd_auto) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* no such family here */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); /* connections that are over do not count */
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return bind(fd, address, n) == 0 || errno != EADDRINUSE;
}

bool requires_port_is_free(unsigned port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    return can_bind(AF_INET, &v4, sizeof v4) && can_bind(AF_INET6, &v6, sizeof v6);
}

static bool read_port(const char *text, const struct values *v, unsigned *out, struct err *e)
{
    AUTO(buf_clear_auto) struct buf value = BUF_LIMIT(LIMIT_URL_BYTES);
    struct values *lookup = (struct values *)(uintptr_t)v; /* the lookup takes void * and only reads */
    uint64_t port = 0;
    if (!template_expand(&value, text, "requires.ports", values_lookup, lookup, e))
        return false;
    if (!num_parse(&port, buf_text(&value), value.len, 65535) || port == 0)
        return err_set(e, ERR_CONFIG, "requires.ports: \"%s\" is no port", SHOWN(buf_text(&value)));
    *out = (unsigned)port;
    return true;
}

/* A port that the installed release uses too is ours. */
static bool is_own(const struct install *in, unsigned port)
{
    const struct deployment *d = in->previous;
    for (size_t i = 0; d != NULL && i < d->release.requires.ports.n; i++) {
        struct err ignored = { 0 };
        unsigned used = 0;
        if (read_port(d->release.requires.ports.items[i], &d->values, &used, &ignored) && used == port)
            return true;
    }
    return false;
}

static bool look_at_ports(struct install *in, bool is_running, struct requires_facts *out, struct err *e)
{
    const struct texts *ports = &in->next->release.requires.ports;
    if (ports->n > REQUIRES_PORTS)
        return err_set(e, ERR_CONFIG, "requires.ports: %zu ports, at most %d", ports->n, REQUIRES_PORTS);
    for (size_t i = 0; i < ports->n; i++) {
        struct requires_port *p = &out->ports[out->n_ports];
        struct err missing = { 0 };
        if (!read_port(ports->items[i], &in->next->values, &p->port, &missing)) {
            if (in->o->is_dry) /* a plan says elsewhere what is missing */
                continue;
            *e = missing;
            return false;
        }
        /* Of a first installation that was cut short the values are not known any more: what runs there is believed to be ours. */
        bool is_ours = is_running && (in->previous == NULL || is_own(in, p->port));
        p->is_free = is_ours || requires_port_is_free(p->port);
        out->n_ports++;
    }
    return true;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool has_containers(struct install *in, bool *is_running, bool *is_there, struct err *e)
{
    AUTO(container_list_clear_auto) struct container_list list = { 0 };
    if (!container_list(in->engine, in->next->project, &list, e))
        return false;
    *is_there = list.n > 0;
    for (size_t i = 0; i < list.n; i++)
        *is_running = *is_running || text_is(list.items[i].state, "running");
    return true;
}

static void look_at_memory(const struct install *in, struct requires_facts *out)
{
    struct sysinfo info;
    out->memory_needed = in->next->release.requires.memory_bytes;
    if (sysinfo(&info) != 0 || !num_mul(&out->memory_found, info.totalram, info.mem_unit))
        out->memory_needed = 0;
}

bool requires_look(struct install *in, struct requires_facts *out, struct err *e)
{
    struct err ignored = { 0 };
    bool is_running = false;
    bool is_there = false;
    *out = (struct requires_facts){ 0 };
    if (!has_containers(in, &is_running, &is_there, e) || !look_at_ports(in, is_running, out, e))
        return false;
    look_at_memory(in, out);
    out->disk_needed = is_there || in->previous != NULL ? 0 : in->next->release.requires.disk_bytes;
    out->is_disk_known = file_free_bytes(engine_facts(in->engine)->root_dir, &out->disk_found, &ignored);
    return true;
}

static bool check_port(const struct requires_port *p, struct err *e)
{
    if (p->is_free)
        return true;
    err_set(e, ERR_POLICY, "port %u is taken on this host", p->port);
    return err_hint(e, "ss -ltnp shows by whom; if it is a variable, choose another one with --set");
}

bool requires_check(struct install *in, struct err *e)
{
    struct requires_facts f;
    char need[24], have[24];
    if (!requires_look(in, &f, e))
        return false;
    if (f.memory_found < MEMORY_SHARE(f.memory_needed))
        return err_set(e, ERR_POLICY, "%s needs %s of memory, this host has %s", in->next->release.name, text_bytes(need, f.memory_needed),
                       text_bytes(have, f.memory_found));
    if (f.is_disk_known && f.disk_found < f.disk_needed)
        return err_set(e, ERR_SPACE, "%s: %s needs %s, %s are free", engine_facts(in->engine)->root_dir, in->next->release.name,
                       text_bytes(need, f.disk_needed), text_bytes(have, f.disk_found));
    for (size_t i = 0; i < f.n_ports; i++)
        if (!check_port(&f.ports[i], e))
            return false;
    return true;
}
