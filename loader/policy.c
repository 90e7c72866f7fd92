/* Rules about releases. */
#include "loader/policy.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

static bool check_stream(const struct release *r, const struct state *s, struct err *e)
{
    if (!s->is_set || text_is(r->name, s->stream))
        return true;
    err_set(e, ERR_POLICY, "%s: this environment holds %s", r->name, s->stream);
    return err_hint(e, "install it into an environment of its own: --env %s", r->name);
}

/* The highest version that was ever seen counts, not only the installed one: a removed release stays a floor. */
static bool check_order(const struct release *r, const struct digest *digest, const struct state *s, struct err *e)
{
    struct version highest;
    if (!s->is_set || s->highest[0] == '\0')
        return true;
    if (!version_parse(&highest, s->highest, "state.json: highest", e))
        return false;
    int order = version_compare(&r->version, &highest);
    if (order < 0) {
        err_set(e, ERR_POLICY, "%s %s is older than %s, which this host has had", r->name, r->version.text, s->highest);
        return err_hint(e, "an earlier release comes back with archon-load rollback (not in this version)");
    }
    if (order == 0 && !digest_equal(digest, &s->highest_release)) {
        err_set(e, ERR_POLICY, "two releases with version %s: this bundle has release digest %s, this host has seen %s", r->version.text,
                DIGEST_SHOWN(digest), DIGEST_SHOWN(&s->highest_release));
        return err_hint(e, "a version is never changed after it was signed: ask who signed the second one");
    }
    return true;
}

static bool check_path(const struct release *r, const struct state *s, struct err *e)
{
    struct version installed;
    bool is_in = true;
    if (!s->is_set || !s->installed.is_set || r->upgrade_from == NULL || text_is(s->installed.version, r->version.text))
        return true;
    if (!version_parse(&installed, s->installed.version, "state.json: installed", e) || !version_in_range(&installed, r->upgrade_from, &is_in, e))
        return false;
    if (is_in)
        return true;
    err_set(e, ERR_POLICY, "%s %s upgrades from %s, installed is %s", r->name, r->version.text, r->upgrade_from, s->installed.version);
    return err_hint(e, "install a release between them first");
}

static bool check_loader(const struct release *r, struct err *e)
{
    struct version need, have;
    if (r->min_loader == NULL)
        return true;
    if (!version_parse_loose(&need, r->min_loader, "release.json: min_loader", e) || !version_parse_loose(&have, ARCHON_VERSION, "version", e))
        return false;
    if (version_compare(&have, &need) >= 0)
        return true;
    err_set(e, ERR_POLICY, "%s %s needs archon-load %s, this is %s", r->name, r->version.text, r->min_loader, ARCHON_VERSION);
    return err_hint(e, "use the archon-load that was delivered with the bundle");
}

static bool check_clock(const struct state *s, int64_t now, struct err *e)
{
    if (now >= s->clock_floor)
        return true;
    err_set(e, ERR_POLICY, "host clock looks wrong: it is earlier than the last installation");
    return err_hint(e, "set the clock of this host");
}

bool policy_check_release(const struct release *r, const struct digest *digest, const struct state *s, int64_t now, struct err *e)
{
    return check_loader(r, e) && check_stream(r, s, e) && check_order(r, digest, s, e) && check_path(r, s, e) && check_clock(s, now, e);
}

bool policy_check_unfinished(const struct release *r, const struct digest *digest, const struct state *s, const struct journal_last *last,
                             struct err *e)
{
    struct version unfinished;
    struct err ignored = { 0 };
    if (s->is_set && s->installed.is_set && digest_equal(digest, &s->installed.release))
        return true;
    if (!last->is_unfinished || strncmp(last->release, DIGEST_HEX(digest), JOURNAL_RELEASE_BYTES - 1) == 0)
        return true;
    if (version_parse(&unfinished, last->version, "journal", &ignored) && version_compare(&r->version, &unfinished) > 0)
        return true;
    err_set(e, ERR_POLICY, "an installation of %s was interrupted at step %s and is not finished", last->version, last->step);
    return err_hint(e, "finish it first: run archon-load install with the bundle of %s again", last->version);
}
