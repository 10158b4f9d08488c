// Ends the process when memory runs out. The Swift runtime does not survive a failed allocation, so
// the allocation functions here never return one: they end the process with a message and an exit
// status.
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

// Prints the reason and ends the process without cleanup, as a kill would, but restores the
// terminal before. Takes no lock and allocates nothing.
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

// Reserves the stack of the main thread. The stack grows on demand, and a signal kills the process
// if the system refuses to extend it. Nothing in this program uses more than a megabyte of it.
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

// Limits malloc to one arena if the address space is limited. With several arenas glibc reserves 64
// MiB of address space for each. If that is refused, every small block takes a page.
static void share(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

void envcrypt_prepare_memory(void) {
  share();
  reserveStack();
}

// Sanitizers have their own allocator.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

// All allocations of the program and of its libraries go through the functions below. In the static
// release the linker redirects them (--wrap, in the Makefile). In other builds these definitions
// take precedence over those of the C library.

// Aligns the start of the heap to a page. glibc does that itself, in a static program as a second
// step of the first allocation. If the system refuses that step, glibc fails later.
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
  // With size 0, realloc frees the block and returns NULL.
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

// Replaces a function of libdispatch that is called when the system refuses a thread. The original
// waits for a second, and libdispatch tries again, forever. The function is internal to
// libdispatch, so only the static release can replace it.
void __wrap__dispatch_temporary_resource_shortage(void) {
  end("envcrypt: error: the system grants no more threads\nenvcrypt: hint: 'ulimit -u' shows the limit\n");
}
