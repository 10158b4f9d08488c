// What Linux offers and Swift's Glibc does not: functions that take any number of arguments, and the types of file
// systems. And what a build with the address sanitizer is told.
#pragma once

#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// From now on the process leaves no core dump, and who is not root may neither trace it nor read its memory.
static inline int envcrypt_set_not_dumpable(void) {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// The number by which Linux knows the type of the file system at a path; 0 where it does not tell.
static inline unsigned int envcrypt_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (unsigned int)status.f_type : 0;
}

// The ID that the system's root has for this process, or the ID of nobody if root has none in its user namespace. -1 if
// the kernel does not say. All event descriptors share one inode, which the kernel made when it started, as root. No path
// leads to it, so nobody can put another file in its place.
static inline long envcrypt_kernel_owner(void) {
  struct stat status;
  int descriptor = eventfd(0, EFD_CLOEXEC);
  if (descriptor < 0) return -1;
  long owner = fstat(descriptor, &status) == 0 ? (long)status.st_uid : -1;
  close(descriptor);
  return owner;
}

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

// From now on it is an error to touch these bytes. The sanitizer knows the blocks of malloc, and not those that are cut
// from pages. Other builds do nothing.
static inline void envcrypt_forbid_access(const void *bytes, size_t count) {
  ASAN_POISON_MEMORY_REGION(bytes, count);
}

static inline void envcrypt_allow_access(const void *bytes, size_t count) {
  ASAN_UNPOISON_MEMORY_REGION(bytes, count);
}
