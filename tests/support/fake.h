/* Starts tests/support/fake_http.py for a unit test.
 *
 *     struct fake f;  fake_start(&f, "{\"rules\": [{\"path\": \"/x\", \"body\": \"hello\"}]}");
 *     fake_url(&f, 0, "/x")  ->  "http://127.0.0.1:PORT/x"
 *     fake_log(&f)           ->  what it received, one JSON object a line
 *     fake_stop(&f); */
#ifndef SUPPORT_FAKE_H
#define SUPPORT_FAKE_H

#include <sys/types.h>

struct fake {
    char dir[64];
    pid_t pid;
    int input; /* the server ends when this is closed */
    unsigned ports[8];
    char text[8][512]; /* answers of fake_url, in turn */
    int next_text;
    char *log;
};

void fake_start(struct fake *f, const char *script);
void fake_start_program(struct fake *f, const char *program, const char *script); /* another one of tests/support */
void fake_again(struct fake *f, const char *script); /* the same server with other rules and an empty log: much quicker than another one */
void fake_stop(struct fake *f);
const char *fake_url(struct fake *f, int port, const char *path);  /* http */
const char *fake_urls(struct fake *f, int port, const char *path); /* https */
const char *fake_path(struct fake *f, const char *name);           /* DIR/name */
const char *fake_log(struct fake *f);
int fake_count(struct fake *f, const char *part); /* how often part occurs in the log */

#endif
