// Linux functions that the Glibc module of Swift does not offer: variadic functions, functions
// without a declaration, and the types of file systems. Also annotations for the address sanitizer.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

// Makes the process non-dumpable: it leaves no core dump, and only root may trace it or read its
// memory.
static inline int envcrypt_set_not_dumpable(void) {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Returns the number of the type of the file system at a path (`f_type` of statfs); 0 if statfs
// fails.
static inline unsigned int envcrypt_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (unsigned int)status.f_type : 0;
}

// Opens a path without following symbolic links. Fails with ELOOP if a component is a link, and
// with ENOSYS before Linux 5.6.
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

// The headers declare these only with _GNU_SOURCE.
extern int syncfs(int descriptor);
extern int sync_file_range(int descriptor, __off64_t offset, __off64_t count, unsigned int flags);

// Extended attributes: sys/xattr.h is not in the Glibc module.
static inline long envcrypt_list_attributes(int descriptor, char *list, size_t size) {
  return flistxattr(descriptor, list, size);
}

static inline long envcrypt_attribute(int descriptor, const char *name, void *value, size_t size) {
  return fgetxattr(descriptor, name, value, size);
}

static inline int envcrypt_set_attribute(int descriptor, const char *name, const void *value,
                                         size_t size) {
  return fsetxattr(descriptor, name, value, size, 0);
}

static inline int envcrypt_remove_attribute(int descriptor, const char *name) {
  return fremovexattr(descriptor, name);
}

// Brings the whole file system of a file to the disk.
static inline int envcrypt_sync_file_system(int descriptor) { return syncfs(descriptor); }

// Waits for the writes of a file that are in progress. Fails if a write-back of the file has failed
// since it was opened.
static inline int envcrypt_check_written_back(int descriptor) {
  const unsigned int waitBefore = 1;
  return sync_file_range(descriptor, 0, 0, waitBefore);
}

// Renames a file. Returns -1 with EEXIST if the new name is taken, and with EINVAL if the file
// system does not support this.
static inline int envcrypt_rename_without_replacing(const char *from, const char *to) {
  const unsigned int noReplace = 1;  // RENAME_NOREPLACE
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, noReplace);
}

// Returns the number of the type of the file system of an open file; 0 if fstatfs fails.
static inline unsigned int envcrypt_file_system_type_of(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) == 0 ? (unsigned int)status.f_type : 0;
}

// Returns 1 if something is mounted at a path, 0 if not, and -1 if the kernel does not tell (before
// Linux 5.8). Does not follow a symbolic link at the end of the path.
static inline int envcrypt_is_mount_point(const char *path) {
#ifdef SYS_statx
  // The fields of struct statx, as 64-bit numbers.
  unsigned long long fields[32] = {0};
  const int noFollow = 0x100, noAutomount = 0x800;
  const unsigned long long mountRoot = 0x2000;
  if (syscall(SYS_statx, AT_FDCWD, path, noFollow | noAutomount, 0, fields) != 0) return -1;
  // stx_attributes_mask and stx_attributes.
  if (!(fields[7] & mountRoot)) return -1;
  return fields[1] & mountRoot ? 1 : 0;
#else
  return -1;
#endif
}

// Returns the user ID that root of the system has for this process, or the ID of nobody if the user
// namespace of the process has no ID for root; -1 if the kernel does not tell. All event
// descriptors share one inode, which the kernel made at its start, as root. No path leads to that
// inode, so nobody can put another file in its place.
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

// Makes any access to these bytes an error in a build with the address sanitizer, and does nothing
// in other builds. The sanitizer knows the blocks of malloc, but not the blocks that this program
// cuts from pages.
static inline void envcrypt_forbid_access(const void *bytes, size_t count) {
  ASAN_POISON_MEMORY_REGION(bytes, count);
}

static inline void envcrypt_allow_access(const void *bytes, size_t count) {
  ASAN_UNPOISON_MEMORY_REGION(bytes, count);
}
