import Glibc
import Synchronization
import SystemPackage

/// Names that must not outlive the process: removed when their owner is done with them, or when a
/// signal ends the process first.
public final class Leftovers: Sendable {
  private struct State {
    var names: [FilePath] = []
    var isWatching = false
    /// Directories that were looked through.
    var swept: Set<FilePath> = []
  }

  private let state = Mutex(State())

  public init() {}

  /// Records a name before it is created.
  func add(_ name: FilePath) {
    state.withLock { $0.names.append(name) }
    watch()
  }

  /// Sees to it from now on that a signal leaves nothing behind. The first call comes from a thread
  /// that signals can end: where several work, from the first of them, before there are others.
  public func watch() {
    let isFirst = state.withLock { state in
      defer { state.isWatching = true }
      return !state.isWatching
    }
    if isFirst { watchSignals() }
  }

  /// Removes what killed processes have left in a directory, the first time that it is asked to.
  func sweep(_ directory: FilePath) {
    if state.withLock({ $0.swept.insert(directory).inserted }) {
      HiddenFile.removeLeftovers(in: directory)
    }
  }

  /// Removes the file of that name.
  func remove(_ name: FilePath) {
    name.withPlatformString { _ = unlink($0) }
    forget(name)
  }

  /// The name is no leftover any more.
  func forget(_ name: FilePath) {
    state.withLock { $0.names.removeAll { $0 == name } }
  }

  /// Waits on a thread of its own for a signal that ends the process, removes what is recorded, and
  /// lets the signal end it. The signals are blocked in every other thread; a name is recorded only
  /// after this, so no signal can come between. A signal that is ignored stays so.
  private func watchSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(signal) {
      sigaddset(&signals, signal)
    }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let watched = signals
    let isWatched = startThread { [self] in
      var signals = watched
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { return }
      state.withLock { state in
        for name in state.names { name.withPlatformString { _ = unlink($0) } }
      }
      // Its action is to end the process, or first to set a terminal right and then to end it.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(number)
    }
    // Without the thread a signal still ends the process; what it leaves, a later one removes.
    if !isWatched { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
  }

  /// Whether the process was started with orders to ignore a signal, as by `nohup`.
  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return action.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) } == 1
  }
}
