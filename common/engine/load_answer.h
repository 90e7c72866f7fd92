/* What the engine says while it loads: JSON lines, among them the verdict. Status 200 means nothing: errors come as lines, and with a containerd store even
 * as ordinary text ("Error unpacking image"). */
#ifndef ENGINE_LOAD_ANSWER_H
#define ENGINE_LOAD_ANSWER_H

#include "stream/sink.h"

struct load_answer;
struct load_answer *load_answer_new(void);
void load_answer_free(struct load_answer *a);
AUTO_FREE(struct load_answer, load_answer_free)
/* Takes the body. Borrows a. Fails (ERR_ENGINE) for a line that is too long; what the engine said is no failure of the sink: ask a for it. */
struct sink *load_answer_sink(struct load_answer *a);
/* Null while nothing bad was said; the first bad thing otherwise, not yet fit to be shown. An answer that makes no sense is bad. */
const char *load_answer_message(const struct load_answer *a);
/* ERR_SPACE when its disk is full, else ERR_ENGINE. */
enum err_code load_answer_code(const struct load_answer *a);

#endif
