/* Starting and asking the fake server. Anything that goes wrong here stops the test program. */
#include "tests/support/fake.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(int is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "fake server: %s\n", what);
        exit(1);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    need(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, path);
}

const char *fake_path(struct fake *f, const char *name)
{
    char dir[sizeof f->dir]; /* a copy: the compiler fears that source and target meet */
    memcpy(dir, f->dir, sizeof dir);
    char *out = f->text[f->next_text++ % 8];
    snprintf(out, sizeof f->text[0], "%s/%s", dir, name);
    return out;
}

static void spawn(struct fake *f, const char *name)
{
    const char *source = getenv("ARCHON_SOURCE_DIR");
    char program[512];
    snprintf(program, sizeof program, "%s/tests/support/%s", source != NULL ? source : ".", name);
    int ends[2];
    need(pipe(ends) == 0, "pipe");
    f->pid = fork();
    need(f->pid >= 0, "fork");
    if (f->pid == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        execlp("python3", "python3", program, f->dir, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    f->input = ends[1];
}

static void wait_for_ports(struct fake *f)
{
    for (int i = 0; i < 2000; i++) {
        FILE *file = fopen(fake_path(f, "ports"), "r");
        if (file != NULL) {
            for (int p = 0; p < 8 && fscanf(file, "%u", &f->ports[p]) == 1; p++)
                ;
            fclose(file);
            return;
        }
        need(waitpid(f->pid, NULL, WNOHANG) == 0, "it ended");
        usleep(10000);
    }
    need(0, "it does not listen");
}

void fake_start_program(struct fake *f, const char *program, const char *script)
{
    memset(f, 0, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/archon-fake.XXXXXX");
    need(mkdtemp(f->dir) != NULL, "mkdtemp");
    write_file(fake_path(f, "script.json"), script);
    spawn(f, program);
    wait_for_ports(f);
}

void fake_start(struct fake *f, const char *script)
{
    fake_start_program(f, "fake_http.py", script);
}

void fake_again(struct fake *f, const char *script)
{
    write_file(fake_path(f, "script.json"), script);
    need(write(f->input, "\n", 1) == 1, "it is gone");
    for (int i = 0; access(fake_path(f, "again"), F_OK) != 0; i++) {
        need(i < 20000, "it does not begin again");
        usleep(1000);
    }
    unlink(fake_path(f, "again"));
}

void fake_stop(struct fake *f)
{
    close(f->input);
    kill(f->pid, SIGTERM);
    waitpid(f->pid, NULL, 0);
    free(f->log);
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        execlp("rm", "rm", "-rf", f->dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static const char *make_url(struct fake *f, const char *scheme, int port, const char *path)
{
    char *out = f->text[f->next_text++ % 8];
    snprintf(out, sizeof f->text[0], "%s://127.0.0.1:%u%s", scheme, f->ports[port], path);
    return out;
}

const char *fake_url(struct fake *f, int port, const char *path)
{
    return make_url(f, "http", port, path);
}

const char *fake_urls(struct fake *f, int port, const char *path)
{
    return make_url(f, "https", port, path);
}

const char *fake_log(struct fake *f)
{
    enum { MAX = 4 << 20 };
    free(f->log);
    f->log = calloc(1, MAX);
    FILE *file = fopen(fake_path(f, "log"), "r");
    need(f->log != NULL && file != NULL, "log");
    size_t n = fread(f->log, 1, MAX - 1, file);
    f->log[n] = '\0';
    fclose(file);
    return f->log;
}

int fake_count(struct fake *f, const char *part)
{
    int n = 0;
    for (const char *at = fake_log(f); (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}
