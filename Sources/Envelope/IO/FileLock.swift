import Glibc
import SystemPackage

/// A lock on a whole file (`flock`). Any process that can open the file, even for reading only, can
/// hold a lock for as long as it likes. Therefore every wait for a lock has a limit.
package enum FileLock {
  /// Takes the lock; false if another process holds a lock for all of `patience`. Throws system
  /// errors, for example if the file system has no locks.
  package static func take(_ number: Int32, patience: Duration) throws(Errno) -> Bool {
    var deadline: ContinuousClock.Instant?
    var pause: useconds_t = 50
    while Descriptor.retrying({ flock(number, LOCK_EX | LOCK_NB) }) != 0 {
      let reason = Errno.current
      guard reason == .wouldBlock else { throw reason }
      let now = ContinuousClock.now
      let end = deadline ?? now + patience
      deadline = end
      guard now < end else { return false }
      usleep(pause)
      pause = min(pause * 2, 20_000)
    }
    return true
  }

  package static func release(_ number: Int32) { flock(number, LOCK_UN) }
}
