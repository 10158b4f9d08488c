import Glibc

/// Runs `body` on a detached thread; false where the system grants none. Signals are for the threads
/// that were there before.
@discardableResult
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let work = Unmanaged.passRetained(Work(body))
  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  let status = pthread_create(
    &thread, nil,
    { pointer in
      Unmanaged<Work>.fromOpaque(pointer!).takeRetainedValue().body()
      return nil
    }, work.toOpaque())
  guard status == 0 else {
    work.release()
    return false
  }
  pthread_detach(thread)
  return true
}
