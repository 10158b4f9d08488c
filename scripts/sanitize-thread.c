// Linked into a build with the thread sanitizer. Where threads contend for a Synchronization.Mutex, it is locked and
// unlocked in Swift's library, by the kernel, and the sanitizer sees neither: it would report what every such lock
// guards. Here it is told what one thread does before another, for the same address as the half it sees.
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
