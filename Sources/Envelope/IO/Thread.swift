import Glibc

/// The stack size of each thread. The default of the system is eight times as large, which matters
/// if memory is limited.
private let stackSize = 1 << 20

/// Runs `body` on a detached thread; false if the system refuses a thread. All signals are blocked
/// in the new thread, so the existing threads handle them.
@discardableResult
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let work = Unmanaged.passRetained(Work(body))
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, stackSize)
  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  let status = pthread_create(
    &thread, &attributes,
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
