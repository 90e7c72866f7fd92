/* A hash table whose keys are hashes already: the first bytes choose the slot, the next free one is taken. */
#include "format/digest_set.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#include "base/banned.h"

enum { SLOTS_AT_FIRST = 256 };

static const struct digest free_slot;

/* Where d is, or the free slot where it belongs. There is always a free one: the table is at most half full. */
static struct digest *slot_of(const struct digest_set *s, const struct digest *d)
{
    size_t i = (size_t)num_le64(d->bytes) & (s->n_slots - 1);
    while (!digest_equal(&s->slots[i], d) && !digest_equal(&s->slots[i], &free_slot))
        i = (i + 1) & (s->n_slots - 1);
    return &s->slots[i];
}

static void grow(struct digest_set *s)
{
    struct digest_set larger = { .n_slots = s->n_slots == 0 ? SLOTS_AT_FIRST : s->n_slots * 2 };
    larger.slots = mem_new_array(larger.n_slots, sizeof *larger.slots);
    for (size_t i = 0; i < s->n_slots; i++)
        if (!digest_equal(&s->slots[i], &free_slot))
            digest_set_add(&larger, &s->slots[i]);
    digest_set_clear(s);
    *s = larger;
}

void digest_set_add(struct digest_set *s, const struct digest *d)
{
    if (2 * (s->n + 1) > s->n_slots)
        grow(s);
    struct digest *slot = slot_of(s, d);
    if (digest_equal(slot, d))
        return; /* all zero is nobody's digest, and would end here */
    *slot = *d;
    s->n++;
}

bool digest_set_has(const struct digest_set *s, const struct digest *d)
{
    return s->n_slots > 0 && !digest_equal(d, &free_slot) && digest_equal(slot_of(s, d), d);
}

size_t digest_set_place(const struct digest_set *s, const struct digest *d)
{
    return digest_set_has(s, d) ? (size_t)(slot_of(s, d) - s->slots) : SIZE_MAX;
}

void digest_set_clear(struct digest_set *s)
{
    mem_free(s->slots);
    *s = (struct digest_set){ 0 };
}
