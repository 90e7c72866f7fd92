/* What the author says that a host must have: memory, room, free ports (engine and compose are asked where they are opened). */
#ifndef LOADER_REQUIRES_H
#define LOADER_REQUIRES_H

#include "loader/install.h"

enum { REQUIRES_PORTS = 64 };

struct requires_facts {
    uint64_t memory_needed, memory_found; /* bytes; needed 0: nothing was said */
    uint64_t disk_needed, disk_found;     /* where the engine keeps its data; needed 0 also when the application is there already */
    bool is_disk_known;
    size_t n_ports;
    struct requires_port {
        unsigned port;
        bool is_free; /* or used by the containers of this very application */
    } ports[REQUIRES_PORTS];
};

/* Looks. ERR_CONFIG for a port that is none. */
MUST_CHECK bool requires_look(struct install *in, struct requires_facts *out, struct err *e);
/* ERR_POLICY (memory, a port), ERR_SPACE. */
MUST_CHECK bool requires_check(struct install *in, struct err *e);

/* Can something listen on this TCP port of this host? */
bool requires_port_is_free(unsigned port);

#endif
