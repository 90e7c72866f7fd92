/* The OS packages of an image: what the databases of its package managers say, as they are in its layers. dpkg and apk write text, which is
 * read here; rpm's database is read by the program rpm, where that is there. */
#ifndef GATES_PACKAGES_H
#define GATES_PACKAGES_H

#include "base/buf.h"
#include "gates/layer_files.h"
#include "gates/reports.h"

struct package {
    char *name;
    char *version; /* as the package manager writes it: "1:2.36-9+deb12u4" */
    char *architecture;
    char *purl; /* pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12 */
};
struct packages {
    struct package *items; /* sorted by purl, each once */
    size_t n, cap;
    char *distro;    /* "debian-12", or empty */
    char *namespace; /* "debian": who made the packages; of os-release, or null */
    unsigned found;  /* set of enum reports_database */
    unsigned unread; /* there, but not read: no rpm here, or a link to somewhere else */
};

/* From what layer_files_merge left. ERR_REGISTRY: a database is not what it should be. ERR_IO. */
MUST_CHECK bool packages_read(struct packages *out, const struct layer_files *files, const struct spool *s, struct err *e);
void packages_clear(struct packages *p);
void packages_clear_auto(struct packages *p);

/* ---- parts, for tests ---- */

/* Appends what a text database says; what names it. ERR_REGISTRY "<what>: line N: ...". is_status: dpkg's status, in which packages may be
 * that are not installed. */
MUST_CHECK bool packages_parse_dpkg(struct packages *out, const char *text, size_t n, bool is_status, const char *what, struct err *e);
MUST_CHECK bool packages_parse_apk(struct packages *out, const char *text, size_t n, const char *what, struct err *e);
/* ID and VERSION_ID of os-release; what it does not say or says in other letters is left out. */
void packages_parse_os_release(struct packages *out, const char *text, size_t n);

#endif
