/* What a process believes of the world, for tests that preload this into JMeter: host names and the time of day. Both are in
   files that the test changes under the running process, so that neither root nor a name server of its own is needed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Seconds that the wall clock is ahead; shared with the test. */
static const volatile int64_t no_step = 0;
static const volatile int64_t *step = &no_step;

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

__attribute__((constructor)) static void share_clock(void) {
  const char *path = getenv("WORLD_CLOCK");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *shared = mmap(NULL, sizeof *step, PROT_READ, MAP_SHARED, file, 0);
  if (shared != MAP_FAILED) step = shared;
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  if (failed == 0 && clock == CLOCK_REALTIME) now->tv_sec += *step;
  return (int)failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  long failed = syscall(SYS_gettimeofday, now, zone);
  if (failed == 0) now->tv_sec += *step;
  return (int)failed;
}

static int is_down(void) {
  const char *path = getenv("WORLD_NAMES_DOWN");
  return path != NULL && access(path, F_OK) == 0;
}

/* While the names are down: passing.test has no answer for the moment, missing.test none at all, slow.test none yet. Else they
   are this machine. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
  const char *asked = name == NULL ? "" : name;
  int passing = strcmp(asked, "passing.test") == 0;
  int missing = strcmp(asked, "missing.test") == 0;
  int slow = strcmp(asked, "slow.test") == 0;
  if (!passing && !missing && !slow) return real(name, service, hints, found);
  if (passing && is_down()) return EAI_AGAIN;
  if (missing && is_down()) return EAI_NONAME;
  while (slow && is_down()) usleep(10000);
  return real("127.0.0.1", service, hints, found);
}
