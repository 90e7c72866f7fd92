/* The places where one thing may be, and where among them a pull is: mirrors first, the registry itself last. Private to this folder.
 *
 *     places_choose(&p, mirrors, "docker.io", "library/nginx", MIRROR_TAG, e)      before each attempt
 *     ... places_here(&p)->host ...
 *     if (places_may_move_on(&p, e)) places_move_on(&p, mirrors, is_down, what, e);   and attempt again
 *     else places_explain(&p, e);                                                      e tells of all                        */
#ifndef REGISTRY_PLACES_H
#define REGISTRY_PLACES_H

#include "registry/mirrors.h"

struct places { /* a zeroed one is new */
    struct mirror_places all;
    size_t at;
    struct buf reasons; /* why the places before did not do */
    bool has_answered;  /* the one where we are */
    bool said_missing;  /* one of them said that there is none, where that is an answer */
};
void places_clear(struct places *p);

/* The first time: which there are (mirrors.h: ERR_POLICY, ERR_CONFIG). Every time: passes over mirrors that did not answer before. */
MUST_CHECK bool places_choose(struct places *p, const struct mirrors *m, const char *host, const char *repository, enum mirror_use use, struct err *e);
const struct mirror_place *places_here(const struct places *p);
bool places_is_last(const struct places *p);

/* Is there another place, and e of a kind that another place may not have? Bytes that are not what was promised are not passed over. */
bool places_may_move_on(const struct places *p, const struct err *e);
/* Takes e as the reason, and empties it. is_down: the place is not to be asked again in this run. what: how the message of e begins. */
void places_move_on(struct places *p, struct mirrors *m, bool is_down, const char *what, struct err *e);
/* The last failure: adds what the places before had said. */
void places_explain(const struct places *p, struct err *e);

#endif
