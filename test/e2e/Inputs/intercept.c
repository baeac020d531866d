/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Preloaded into a program: records what it does with files, and makes happen
 * what a test cannot time from outside.
 *   TENON_CALLS=FILE           a line for each call: "fsync PATH", "rename OLD NEW", "unlink PATH"
 *   TENON_SIGNAL=N:CALL:TEXT   signal N before the first such call on a path that contains TEXT
 *   TENON_NO_THREADS=1         no thread can be started */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *call, const char *path, const char *other) {
  const char *file = getenv("TENON_CALLS"), *wanted = getenv("TENON_SIGNAL");
  if (file) {
    char line[8192];
    int size = snprintf(line, sizeof line, "%s %s %s\n", call, path, other);
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (write(fd, line, size) != size)
      abort();
    close(fd);
  }
  if (wanted) {
    char name[64], text[256];
    int number;
    if (sscanf(wanted, "%d:%63[^:]:%255s", &number, name, text) == 3 && !strcmp(name, call) && strstr(path, text)) {
      unsetenv("TENON_SIGNAL");
      raise(number);
    }
  }
}

int fsync(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  path[size < 0 ? 0 : size] = 0;
  note("fsync", path, "");
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int rename(const char *from, const char *to) {
  note("rename", from, to);
  return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}

int unlink(const char *path) {
  note("unlink", path, "");
  return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  if (getenv("TENON_NO_THREADS"))
    return EAGAIN;
  return ((int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create"))(
      thread, attributes, body, argument);
}
