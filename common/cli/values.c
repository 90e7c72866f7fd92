/* Values of options: from text to the field of an options struct. */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/options.h"

#include "base/banned.h"

static bool set_choice(const struct cli_option *row, void *to, const char *shown, const char *value, struct err *e)
{
    unsigned place = 0;
    for (const char *choice = row->value; *choice != '\0'; place++) {
        size_t n = strcspn(choice, "|");
        if (strlen(value) == n && memcmp(value, choice, n) == 0) {
            *(unsigned *)to = place;
            return true;
        }
        choice += n + (choice[n] == '|');
    }
    return err_set(e, ERR_USAGE, "%s %s: expected one of %s", shown, SHOWN(value), row->value);
}

static bool refuse_bytes(const struct cli_option *row, const char *shown, const char *value, struct err *e)
{
    char most[24];
    bool is_bounded = row->max < UINT64_MAX - 1;
    return err_set(e, ERR_USAGE, "%s %s: expected a size in KiB, MiB or GiB, like 64MiB%s%s", shown, SHOWN(value), is_bounded ? ", at most " : "",
                   is_bounded ? text_bytes(most, row->max) : "");
}

static bool set_number(const struct cli_option *row, uint64_t *to, const char *shown, const char *value, struct err *e)
{
    if (row->kind == CLI_BYTES)
        return num_parse_bytes(to, value, row->max) || refuse_bytes(row, shown, value, e);
    if (num_parse(to, value, strlen(value), row->max) && *to >= row->min)
        return true;
    return err_set(e, ERR_USAGE, "%s %s: expected a whole number from %llu to %llu", shown, SHOWN(value),
                   (unsigned long long)row->min, (unsigned long long)row->max);
}

bool cli_value_set(const struct cli_option *row, void *options, const char *shown, const char *value, struct err *e)
{
    void *to = (char *)options + row->at;
    switch (row->kind) {
    case CLI_FLAG:
        *(bool *)to = true;
        return true;
    case CLI_TEXT:
    case CLI_MAYBE:
        *(const char **)to = value;
        return true;
    case CLI_LIST: {
        struct cli_list *list = to;
        MEM_PUSH(list->items, list->n, list->cap) = value;
        return true;
    }
    case CLI_NUMBER:
    case CLI_BYTES:
        return set_number(row, to, shown, value, e);
    case CLI_CHOICE:
        return set_choice(row, to, shown, value, e);
    }
    return err_set(e, ERR_INTERNAL, "%s: option of an unknown kind", shown);
}
