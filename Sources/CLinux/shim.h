// What Linux offers and Swift's Glibc does not: functions that take any number of arguments, and the types of file
// systems.
#pragma once

#include <sys/prctl.h>
#include <sys/vfs.h>

// From now on the process leaves no core dump, and who is not root may neither trace it nor read its memory.
static inline int envcrypt_set_not_dumpable(void) {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// The number by which Linux knows the type of the file system at a path; 0 where it does not tell.
static inline unsigned int envcrypt_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (unsigned int)status.f_type : 0;
}
