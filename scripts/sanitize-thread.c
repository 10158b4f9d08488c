// Linked into a build with the thread sanitizer. Under contention a Synchronization.Mutex is locked
// and unlocked inside Swift's library, through the kernel. The sanitizer sees neither and would
// report everything that such a lock guards. This code tells the sanitizer about the order of the
// threads, with the same address as in the half that it sees.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

METHOD void envcrypt_lock(uint32_t thread, SELF) __asm__(LOCK);
METHOD bool envcrypt_try(SELF) __asm__(TRY);
METHOD void envcrypt_unlock(SELF) __asm__(UNLOCK);

METHOD void envcrypt_lock(uint32_t thread, SELF) {
  METHOD void (*lock)(uint32_t, SELF) = dlsym(RTLD_NEXT, LOCK);
  lock(thread, self);
  __tsan_acquire(self);
}

METHOD bool envcrypt_try(SELF) {
  METHOD bool (*try)(SELF) = dlsym(RTLD_NEXT, TRY);
  bool is_locked = try(self);
  if (is_locked) __tsan_acquire(self);
  return is_locked;
}

METHOD void envcrypt_unlock(SELF) {
  METHOD void (*unlock)(SELF) = dlsym(RTLD_NEXT, UNLOCK);
  __tsan_release(self);
  unlock(self);
}
