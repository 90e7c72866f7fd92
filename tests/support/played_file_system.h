/* A file system of another kind, played: the linker puts the function below before that of the C library (-Wl,--wrap=fstatfs64). */
#ifndef TESTS_SUPPORT_PLAYED_FILE_SYSTEM_H
#define TESTS_SUPPORT_PLAYED_FILE_SYSTEM_H

#include <sys/vfs.h>

/* f_type as the kernel tells it; 0: what it really is. */
static long file_system;

int __real_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs)
{
    int result = __real_fstatfs64(fd, fs);
    if (file_system != 0)
        fs->f_type = file_system;
    return result;
}

#endif
