/* The lines that an engine answers to a load, in pieces of any size. Whatever it says is bad or not, the same however it is cut. */
#include <stdlib.h>
#include <string.h>

#include "engine/load_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool read_in_pieces(struct load_answer *a, const uint8_t *bytes, size_t n, size_t piece)
{
    struct err e = { 0 };
    AUTO(sink_drop_auto) struct sink *s = load_answer_sink(a);
    bool ok = true;
    for (size_t at = 0; at < n && ok; at += piece)
        ok = sink_write(s, bytes + at, n - at < piece ? n - at : piece, &e);
    ok = ok && sink_finish(s, &e);
    must(ok == (e.code == ERR_NONE) && (ok || e.code == ERR_ENGINE));
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(load_answer_free_auto) struct load_answer *whole = load_answer_new();
    AUTO(load_answer_free_auto) struct load_answer *cut = load_answer_new();
    bool a = read_in_pieces(whole, bytes, n, n + 1);
    bool b = read_in_pieces(cut, bytes, n, 3);
    must(a == b);
    const char *said = load_answer_message(whole);
    const char *said_cut = load_answer_message(cut);
    must((said == NULL) == (said_cut == NULL) && (said == NULL || strcmp(said, said_cut) == 0));
    must(said == NULL ? load_answer_code(whole) == ERR_NONE : said[0] != '\0' && load_answer_code(whole) != ERR_NONE);
    return 0;
}
