/* A medium as a test wants it, for a program that is not to know (LD_PRELOAD):
 *
 *   ODD_FAT=1           every file system is FAT32
 *   ODD_LOSES=COMMAND   when memory is told to forget a whole file, so that it is read from its medium, the command is run first
 *   ODD_BYTE=N          what is written at that offset, of any file, is another byte
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { FAT = 0x4d44 };
static const char *is_fat, *loses;
static off64_t odd_byte = -1;

/* The program may throw its environment away. */
__attribute__((constructor)) static void begin(void)
{
    is_fat = getenv("ODD_FAT");
    loses = getenv("ODD_LOSES");
    if (getenv("ODD_BYTE") != NULL)
        odd_byte = atoll(getenv("ODD_BYTE"));
    unsetenv("LD_PRELOAD");
}

int fstatfs64(int fd, struct statfs64 *fs)
{
    int result = (int)syscall(SYS_fstatfs, fd, fs);
    if (result == 0 && is_fat != NULL)
        fs->f_type = FAT;
    return result;
}

int posix_fadvise64(int fd, off64_t at, off64_t n, int advice)
{
    if (advice == POSIX_FADV_DONTNEED && at == 0 && n == 0 && loses != NULL && system(loses) != 0)
        fprintf(stderr, "ODD_LOSES failed\n");
    return (int)syscall(SYS_fadvise64, fd, at, n, advice);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (odd_byte < at || odd_byte >= at + (off64_t)n)
        return syscall(SYS_pwrite64, fd, bytes, n, at);
    char *other = malloc(n);
    if (other == NULL)
        abort();
    memcpy(other, bytes, n);
    other[odd_byte - at] ^= 1;
    ssize_t done = syscall(SYS_pwrite64, fd, other, n, at);
    free(other);
    return done;
}
