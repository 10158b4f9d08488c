import Glibc
import Synchronization
import SystemPackage

/// Names that must not outlive the process: removed when their owner is done with them, or when a
/// signal ends the process first. What else has to be done before a signal ends it is done here too.
public final class Leftovers: Sendable {
  private struct State {
    var names: [Name] = []
    var isWatching = false
    /// True if there is a thread that signals come to.
    var seesSignals = false
    /// Work to be done before a signal ends the process.
    var endings: [@Sendable () -> Void] = []
    /// Directories that were looked through.
    var swept: Set<FilePath> = []
    var sweptDirectories: Set<[UInt64]> = []
  }

  /// A name in a directory that is open, or a path.
  private struct Name: Equatable {
    let directory: Descriptor?
    let path: FilePath

    static func == (one: Name, other: Name) -> Bool {
      one.directory === other.directory && one.path == other.path
    }

    func remove() {
      path.withPlatformString { _ = unlinkat(directory?.number ?? AT_FDCWD, $0, 0) }
    }
  }

  private let state = Mutex(State())

  /// Signals that people and programs send, and that end a process.
  private static let endingSignals = [
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU,
  ]

  public init() {}

  /// Records a path before it is created.
  func add(_ path: FilePath) { add(Name(directory: nil, path: path)) }

  /// Records a name before it is created in a directory.
  func add(_ name: FilePath, in directory: Descriptor) {
    add(Name(directory: directory, path: name))
  }

  private func add(_ name: Name) {
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

  /// Has `work` done before a signal ends the process. False if signals are not seen: nobody has called
  /// `watch`, or the system granted no thread.
  func beforeSignalEnds(_ work: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if state.seesSignals { state.endings.append(work) }
      return state.seesSignals
    }
  }

  /// Removes what killed processes have left in a directory, the first time that it is asked to.
  func sweep(_ directory: FilePath) {
    if state.withLock({ $0.swept.insert(directory).inserted }) {
      HiddenFile.removeLeftovers(in: directory)
    }
  }

  /// The same for a directory that is open.
  func sweep(_ directory: Descriptor) {
    guard let status = try? directory.status() else { return }
    let isFirst = state.withLock {
      $0.sweptDirectories.insert([status.device, status.inode]).inserted
    }
    if isFirst { HiddenFile.removeLeftovers(in: directory) }
  }

  /// Removes the file at a recorded path.
  func remove(_ path: FilePath) { remove(Name(directory: nil, path: path)) }

  /// Removes the file of a recorded name.
  func remove(_ name: FilePath, in directory: Descriptor) {
    remove(Name(directory: directory, path: name))
  }

  private func remove(_ name: Name) {
    name.remove()
    forget(name)
  }

  /// The path is not a leftover any more.
  func forget(_ path: FilePath) { forget(Name(directory: nil, path: path)) }

  /// The name is not a leftover any more.
  func forget(_ name: FilePath, in directory: Descriptor) {
    forget(Name(directory: directory, path: name))
  }

  private func forget(_ name: Name) { state.withLock { $0.names.removeAll { $0 == name } } }

  /// True if the signal's action is that of the Swift runtime, which takes SIGQUIT for a crash.
  private static func isRuntimes(_ signal: Int32) -> Bool {
    var action = sigaction()
    return sigaction(signal, nil, &action) == 0 && action.sa_flags & SA_SIGINFO != 0
  }

  /// True if a signal is to be ignored: the process that started us asked for that, as nohup does.
  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Waits on a thread of its own for a signal that ends the process, removes what is recorded, and
  /// lets the signal end it. The signals are blocked in every other thread; a name is recorded only
  /// after this, so no signal can come between. A signal that is ignored stays so.
  private func watchSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in Self.endingSignals where !Self.isIgnored(signal) { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let watched = signals
    let isWatched = startThread { [self] in
      var signals = watched
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { return }
      for work in state.withLock({ $0.endings }) { work() }
      state.withLock { state in for name in state.names { name.remove() } }
      // Its action is to end the process, or first to set a terminal right and then to end it.
      if Self.isRuntimes(number) { signal(number, SIG_DFL) }
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(number)
      // The first process of a container is not ended by a signal of its own.
      _exit(128 + number)
    }
    // Without the thread a signal still ends the process; what it leaves, a later one removes.
    if !isWatched { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    state.withLock { $0.seesSignals = isWatched }
  }
}
