/* Runs a fuzz target over its corpus, and over every file cut short and with single bytes changed, without libFuzzer:
 * the same targets are then ordinary tests under any compiler. The mutations are fixed, so a failure repeats. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_MAX_FILE = 1 << 20, REPLAY_MUTATIONS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void run_exact(const uint8_t *bytes, size_t n)
{
    /* An allocation of exactly n bytes lets AddressSanitizer see a read past the end. */
    uint8_t *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL)
        abort();
    if (n > 0)
        memcpy(copy, bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void run_mutated(uint8_t *bytes, size_t n)
{
    uint32_t state = 2463534242u ^ (uint32_t)n;
    run_exact(bytes, n);
    for (int i = 0; i < REPLAY_MUTATIONS && n > 0; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        size_t at = state % n;
        uint8_t old = bytes[at];
        run_exact(bytes, at);
        bytes[at] = (uint8_t)(old ^ (1u << (state >> 29)));
        run_exact(bytes, n);
        bytes[at] = old;
    }
}

static int run_file(const char *dir, const char *name)
{
    static uint8_t bytes[REPLAY_MAX_FILE];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    run_mutated(bytes, n);
    return 1;
}

int main(int argc, char **argv)
{
    int n_files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        struct dirent *entry;
        while (d != NULL && (entry = readdir(d)) != NULL)
            if (entry->d_name[0] != '.')
                n_files += run_file(argv[i], entry->d_name);
        if (d != NULL)
            closedir(d);
    }
    printf("%d corpus files replayed\n", n_files);
    return n_files > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
