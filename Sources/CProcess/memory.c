// The end of a process without memory. Swift's runtime does not survive an allocation that fails, so none is allowed to
// fail: here the process ends with a message and a status.
#define _DEFAULT_SOURCE
#include "include/CProcess.h"

#include <alloca.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

// EX_OSERR of sysexits.h.
enum { statusSystemError = 71 };

// Ends the process as a kill would, and says why. It takes no lock and allocates nothing.
static _Noreturn void end(const char *message) {
  envcrypt_show_typing();
  size_t count = strlen(message);
  while (count > 0) {
    ssize_t written = write(STDERR_FILENO, message, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    message += written;
    count -= (size_t)written;
  }
  _exit(statusSystemError);
}

static _Noreturn void endWithoutMemory(void) {
  end("envcrypt: error: out of memory\n"
      "envcrypt: hint: 'ulimit -v' shows the limit of a process; a passphrase and large frames need the most\n");
}

// The main thread's stack grows on demand, and a process that is refused a page of it dies of a signal.
// More than a megabyte of it nothing uses that is worked on here.
static void reserveStack(void) {
  enum { most = 1 << 20 };
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return;
  size_t size = limit.rlim_cur / 2 < most ? limit.rlim_cur / 2 : most;
  void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) endWithoutMemory();
  munmap(probe, size);
  volatile char *stack = alloca(size);
  stack[0] = 0;
}

// With more than one arena glibc reserves 64 MiB of address space for each, and if it gets none of that, every small block
// costs a page.
static void share(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

void envcrypt_prepare_memory(void) {
  share();
  reserveStack();
}

// Sanitizers have an allocator of their own.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

// Every allocation of the program and of its libraries comes by here: in the static release the linker says so (--wrap, in
// the Makefile), elsewhere the names below stand before those of the C library.

// Has the heap begin on a page of its own. glibc does that itself, in a static program as a second step of the first
// allocation, and trips over its own feet later if the system refuses that step.
static bool isAligned;

static void align(void) {
  isAligned = true;
  uintptr_t page = (uintptr_t)getpagesize(), end = (uintptr_t)sbrk(0);
  if (end % page != 0 && sbrk((intptr_t)(page - end % page)) == (void *)-1) endWithoutMemory();
}

void *__wrap_malloc(size_t size) {
  if (__builtin_expect(!isAligned, 0)) align();
  void *block = __libc_malloc(size);
  if (__builtin_expect(!block, 0)) endWithoutMemory();
  return block;
}

void *__wrap_calloc(size_t count, size_t size) {
  if (__builtin_expect(!isAligned, 0)) align();
  void *block = __libc_calloc(count, size);
  if (__builtin_expect(!block, 0)) endWithoutMemory();
  return block;
}

void *__wrap_realloc(void *block, size_t size) {
  void *larger = __libc_realloc(block, size);
  // Asked for nothing, it frees the block.
  if (__builtin_expect(!larger, 0) && size > 0) endWithoutMemory();
  return larger;
}

void *__wrap_memalign(size_t alignment, size_t size) {
  void *block = __libc_memalign(alignment, size);
  if (__builtin_expect(!block, 0) && errno == ENOMEM) endWithoutMemory();
  return block;
}

int __wrap_posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void *block = __wrap_memalign(alignment, size);
  if (!block) return EINVAL;
  *result = block;
  return 0;
}

#define ALLOCATOR(name) __attribute__((weak, alias("__wrap_" #name)))
void *malloc(size_t size) ALLOCATOR(malloc);
void *calloc(size_t count, size_t size) ALLOCATOR(calloc);
void *realloc(void *block, size_t size) ALLOCATOR(realloc);
void *memalign(size_t alignment, size_t size) ALLOCATOR(memalign);
void *aligned_alloc(size_t alignment, size_t size) ALLOCATOR(memalign);
void *__wrap_aligned_alloc(size_t alignment, size_t size) ALLOCATOR(memalign);
int posix_memalign(void **result, size_t alignment, size_t size) ALLOCATOR(posix_memalign);

#endif

// libdispatch waits here for a thread that the system does not grant, a second each time, for ever. (Internal to it; only the
// static release can have this instead.)
void __wrap__dispatch_temporary_resource_shortage(void) {
  end("envcrypt: error: the system grants no more threads\nenvcrypt: hint: 'ulimit -u' shows the limit\n");
}
