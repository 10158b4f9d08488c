import Glibc
import SystemPackage

/// A lock of a whole file (`flock`). Any process that can open the file can hold one for as long as it
/// likes, also one that may only read: nobody waits for a lock without end.
enum FileLock {
  /// Takes the lock; false if another process has held one for all of `patience`. Throws what the system
  /// says, for example that the file system has no locks.
  static func take(_ number: Int32, patience: Duration) throws(Errno) -> Bool {
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

  static func release(_ number: Int32) { flock(number, LOCK_UN) }
}
