/* Options that install, plan, load-images and render share. One list: what plan accepts, install accepts. */
#ifndef LOADER_INSTALL_ROWS_H
#define LOADER_INSTALL_ROWS_H

#include "loader/install.h"

#define INSTALL_ROWS_BUNDLE                                                                                                          \
    CLI_LIST_ROW("trust", 0, struct install_options, trust, "KEY.pub", "a key that may sign, for this run (hosts without a store)"), \
        CLI_TEXT_ROW("root", 0, struct install_options, root, "DIR", "state and trust store lie below this directory (/)"),              \
        CLI_TEXT_ROW("env", 0, struct install_options, env, "NAME", "environment: one application on this host (default)"),                    \
        CLI_TEXT_ROW("engine", 0, struct install_options, engine, "SOCKET", ENGINE_SOCKET_HELP), \
        SHOW_PARTS_ROW(struct install_options, parts)

#define INSTALL_ROWS_BASE \
    CLI_TEXT_ROW("base", 0, struct install_options, base, "BUNDLE", "of a delta: the bundle of its base, where the engine does not have it any more")

#define INSTALL_ROWS_SITE                                                                                                            \
    CLI_TEXT_ROW("ca", 0, struct install_options, tls.ca, "FILE", "the site's certificate authority, for all services"),             \
        CLI_TEXT_ROW("ssl-cert", 0, struct install_options, tls.certificate, "FILE", "certificate that services show"),              \
        CLI_TEXT_ROW("ssl-key", 0, struct install_options, tls.key, "FILE", "its key"),                                              \
        CLI_TEXT_ROW("env-file", 0, struct install_options, env_file, "FILE", "values of variables, also secret ones (mode 0600)"),  \
        CLI_LIST_ROW("set", 0, struct install_options, set, "NAME=VALUE", "value of a variable; not for secrets"),                   \
        CLI_TEXT_ROW("database-url-file", 0, struct install_options, database.url_file, "FILE", "database that the site runs"),      \
        CLI_TEXT_ROW("database-ca", 0, struct install_options, database.ca, "FILE", "certificate authority of that database")

#define INSTALL_ROWS_NOT_YET                                                                                                          \
    CLI_NOT_YET_ROW("profile"), CLI_NOT_YET_ROW("with"), CLI_NOT_YET_ROW("backup-confirmed"),              \
        CLI_NOT_YET_ROW("no-backup"), CLI_NOT_YET_ROW("baseline"), CLI_NOT_YET_ROW("registry"),          \
        CLI_NOT_YET_ROW("platform"), CLI_NOT_YET_ROW("keep"), CLI_NOT_YET_ROW("keep-bundle"),                        \
        CLI_NOT_YET_ROW("allow-downgrade"), CLI_NOT_YET_ROW("offline-bundle"), CLI_NOT_YET_ROW("config")

#endif
