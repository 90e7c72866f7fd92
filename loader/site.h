/* Where an installation lives on the host: one environment, one application. All below --root.
 *
 *     ROOT/etc/archon/                       trust store
 *     ROOT/var/lib/archon/ENV/               0700
 *         run.lock, journal, state.json
 *         values.env                         0600, values of variables, also generated secrets; kept by uninstall
 *         loaded                             names of images that were brought in by us
 *         database.url, database-ca.pem      0600, of a database that the site runs
 *         releases/VERSION-DIGEST12/         files of a release, rendered, with the certificates it shows
 */
#ifndef LOADER_SITE_H
#define LOADER_SITE_H

#include "base/err.h"
#include "format/digest.h"

#define SITE_DEFAULT_ENV "default"

struct site {
    char *root; /* "" for the machine itself */
    char *env;
    char *parent; /* .../var/lib/archon */
    char *dir;    /* .../var/lib/archon/ENV */
    char *lock_path, *journal_path, *state_path, *values_path;
    char *loaded_path, *database_url_path, *database_ca_path;
    char *releases_dir;
};

/* May an environment have this name? */
bool site_is_env(const char *name);
/* root null: "/"; env null: default. ERR_USAGE for a bad name of an environment. Makes nothing. */
MUST_CHECK bool site_describe(struct site *s, const char *root, const char *env, struct err *e);
void site_clear(struct site *s);
void site_clear_auto(struct site *s);

/* Refuses directories that others may write, as far as they are there. Before anything in them is believed. */
MUST_CHECK bool site_check(const struct site *s, struct err *e);
/* Makes them, 0700. */
MUST_CHECK bool site_make(const struct site *s, struct err *e);
/* Were these compose files (the label that compose gives its containers) written by an installation of this environment? */
bool site_made(const struct site *s, const char *config_files);

/* The directory of a release (mem_free). */
char *site_release_dir(const struct site *s, const char *version, const struct digest *release);

#endif
