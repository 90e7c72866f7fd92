/* A medium as a test wants it, for a program that is not to know (LD_PRELOAD):
 *
 *   ODD_FAT=1           every file system is FAT32
 *   ODD_LOSES=COMMAND   when memory is told to forget a whole file, so that it is read from its medium, the command is run first
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { FAT = 0x4d44 };
static const char *is_fat, *loses;

/* The program may throw its environment away. */
__attribute__((constructor)) static void begin(void)
{
    is_fat = getenv("ODD_FAT");
    loses = getenv("ODD_LOSES");
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
