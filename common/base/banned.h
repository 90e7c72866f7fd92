/* Included last by every .c file: functions that have no bound, no error or no place here stop the compiler. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#ifdef __GNUC__
/* With clang, fortified headers make macros of these. */
#undef sprintf
#undef asprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets atoi atol atoll system popen tmpnam
#pragma GCC poison mktemp
#ifndef BASE_RENAMES /* sys/file.c, sys/publish_dir.c: files and directories appear whole or not at all, each in one place */
#pragma GCC poison rename renameat renameat2
#endif
#ifndef BASE_ALLOCATOR /* base/mem.c */
#pragma GCC poison malloc calloc realloc strdup strndup asprintf vasprintf
#endif
#endif

#endif
