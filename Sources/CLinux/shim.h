// What Linux offers and Swift's Glibc does not: functions that take any number of arguments, and the types of file
// systems. And what a build with the address sanitizer is told.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

// Opens a path in which no component is a symbolic link; ELOOP if one is. ENOSYS before Linux 5.6.
static inline int envcrypt_open_without_links(int directory, const char *path, int flags) {
#ifdef SYS_openat2
  const unsigned long long resolveNoSymlinks = 4;
  unsigned long long how[3] = {(unsigned int)flags, 0, resolveNoSymlinks};
  return (int)syscall(SYS_openat2, directory, path, how, sizeof how);
#else
  errno = ENOSYS;
  return -1;
#endif
}

// Declared by the system only for those who ask for all that it has.
extern int syncfs(int descriptor);
extern int sync_file_range(int descriptor, __off64_t offset, __off64_t count, unsigned int flags);

// Brings everything on a file's file system to the disk.
static inline int envcrypt_sync_file_system(int descriptor) { return syncfs(descriptor); }

// Waits for what is on its way to the disk, and says what went wrong with it since the file was opened.
static inline int envcrypt_check_written_back(int descriptor) {
  const unsigned int waitBefore = 1;
  return sync_file_range(descriptor, 0, 0, waitBefore);
}

// Renames a file unless the new name is taken: -1 and EEXIST then, and EINVAL if the file system cannot do that.
static inline int envcrypt_rename_without_replacing(const char *from, const char *to) {
  const unsigned int noReplace = 1;  // RENAME_NOREPLACE
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, noReplace);
}

// The same for a file that is open.
static inline unsigned int envcrypt_file_system_type_of(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) == 0 ? (unsigned int)status.f_type : 0;
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
