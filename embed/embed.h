/* Files that are compiled into the programs: the built-in Archon application, as `init` writes it and `create` packs it
 * when it is given nothing else, and the manual that goes into every bundle. CMake makes them from the lists in
 * embed/CMakeLists.txt; they are constant and need no release.
 *
 *     size_t n;
 *     const struct embed_file *files = embed_files(&n);
 *     for (size_t i = 0; i < n; i++)
 *         ... files[i].path, files[i].bytes, files[i].size
 */
#ifndef EMBED_EMBED_H
#define EMBED_EMBED_H

#include <stddef.h>

struct embed_file {
    const char *path;           /* relative to the directory that it came from, '/' between components */
    const unsigned char *bytes; /* never null */
    size_t size;                /* never 0 */
};

/* The built-in application: bundle.yaml and what it names. Sorted by path, byte by byte. */
const struct embed_file *embed_files(size_t *n);

/* The manual for every bundle, with paths as below its folder docs/ (README.txt). Sorted likewise. */
const struct embed_file *embed_docs(size_t *n);

/* One of n sorted files by its path, or null. */
const struct embed_file *embed_find(const struct embed_file *files, size_t n, const char *path);

#endif
