/* The terminal. Questions go to /dev/tty, not to the standard streams, which may be pipes. */
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/start.h"

#include "base/banned.h"

bool term_is_interactive(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

unsigned term_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

unsigned term_rows(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 ? 24 : size.ws_row;
}

/* Reads one line; the caller wipes. */
static bool read_line(int tty, const char *prompt, char *out, size_t size, struct err *e)
{
    size_t n = 0;
    while (n + 1 < size) {
        ssize_t step = read(tty, out + n, 1);
        if (step < 0 && errno == EINTR && start_check(e))
            continue;
        if (step < 0)
            return file_fail(e, errno, "read", "/dev/tty");
        if (step == 0 && n == 0)
            return err_set(e, ERR_USAGE, "%s: no answer", prompt);
        if (step == 0 || out[n] == '\n') {
            out[n] = '\0';
            return true;
        }
        n++;
    }
    return err_set(e, ERR_USAGE, "%s: the answer is longer than %zu bytes", prompt, size - 2);
}

static int open_tty(const char *prompt, struct err *e)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        err_set(e, ERR_USAGE, "%s: no terminal to ask on", prompt);
    return tty;
}

/* A line of progress may stand where the question is to stand. */
static bool write_prompt(int tty, const char *prompt, struct err *e)
{
    static const char erase[] = "\r\033[K";
    bool can_erase = !text_is(getenv("TERM"), "dumb");
    return (!can_erase || fd_write_all(tty, erase, sizeof erase - 1, "/dev/tty", e)) &&
           fd_write_all(tty, prompt, strlen(prompt), "/dev/tty", e) && fd_write_all(tty, ": ", 2, "/dev/tty", e);
}

static bool ask(const char *prompt, bool is_secret, char *out, size_t size, struct err *e)
{
    AUTO(fd_auto) int tty = open_tty(prompt, e);
    struct termios before;
    if (tty < 0)
        return false;
    if (tcgetattr(tty, &before) != 0)
        return file_fail(e, errno, "set up", "/dev/tty");
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (is_secret && tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return file_fail(e, errno, "set up", "/dev/tty");
    bool is_read = write_prompt(tty, prompt, e) && read_line(tty, prompt, out, size, e);
    if (is_secret) {
        tcsetattr(tty, TCSAFLUSH, &before);
        is_read = fd_write_all(tty, "\n", 1, "/dev/tty", e) && is_read;
    }
    return is_read;
}

bool term_ask_secret(const char *prompt, struct secret *out, struct err *e)
{
    char text[LIMIT_SECRET_BYTES];
    bool is_read = ask(prompt, true, text, sizeof text, e);
    if (is_read)
        *out = secret_of(text, strlen(text));
    secret_wipe(text, sizeof text);
    return is_read;
}

bool term_ask_line(const char *prompt, char *out, size_t size, struct err *e)
{
    return ask(prompt, false, out, size, e);
}
