import Glibc
import Synchronization
import SystemPackage

/// The names that must not outlive the process. Their owners remove them, or a signal handler
/// thread does if a signal ends the process first. That thread also does other work that must
/// precede the end.
public final class Leftovers: Sendable {
  private struct State {
    var names: [Name] = []
    var isWatching = false
    /// True if there is a thread that waits for signals.
    var seesSignals = false
    /// Work to do before a signal ends the process.
    var endings: [@Sendable () -> Void] = []
    /// The number of steps under way that a signal must not interrupt.
    var holds = 0
    /// True if a signal is ending the process and the recorded names are removed.
    var isEnding = false
    /// The signals that have no effect.
    var ignored: Set<Int32> = []
    /// Paths of directories in which leftovers were removed.
    var swept: Set<FilePath> = []
    var sweptDirectories: Set<[UInt64]> = []
  }

  /// A name in an open directory, or a path.
  private struct Name: Equatable {
    let directory: Descriptor?
    let path: FilePath
    /// True if it is the name of a directory, which is removed with everything in it.
    var isTree = false

    static func == (one: Name, other: Name) -> Bool {
      one.directory === other.directory && one.path == other.path
    }

    func remove() {
      if isTree { return TreeRemoval.remove(path, in: directory?.number ?? AT_FDCWD) }
      path.withPlatformString { _ = unlinkat(directory?.number ?? AT_FDCWD, $0, 0) }
    }
  }

  private let state = Mutex(State())

  /// The signals that end a process by default and can be waited for. Not among them are the
  /// signals of a fault in the program itself (SIGSEGV and similar). The tool ignores SIGPIPE and
  /// SIGXFSZ, but another program need not.
  static let endingSignals =
    [
      SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT,
      SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS,
    ] + Array(__libc_current_sigrtmin()...__libc_current_sigrtmax())

  /// Starts with an empty record. One object for a whole process is best.
  public init() {}

  /// Records a path before it is created.
  package func add(_ path: FilePath) { add(Name(directory: nil, path: path)) }

  /// Records a name before it is created in a directory.
  func add(_ name: FilePath, in directory: Descriptor) {
    add(Name(directory: directory, path: name))
  }

  /// Records the name of a directory before it is created. It is removed with everything in it.
  func add(tree name: FilePath, in directory: Descriptor) {
    add(Name(directory: directory, path: name, isTree: true))
  }

  private func add(_ name: Name) {
    let isEnding = state.withLock { state in
      state.names.append(name)
      return state.isEnding
    }
    if isEnding { awaitEnd() }
    watch()
  }

  /// From now on a signal that ends the process leaves no recorded name behind. Only the first call
  /// has an effect. It blocks the signals in the calling thread and in threads that are started
  /// later, so make it in the main thread before there are other threads.
  public func watch() {
    let isFirst = state.withLock { state in
      defer { state.isWatching = true }
      return !state.isWatching
    }
    if isFirst { watchSignals() }
  }

  /// Registers `work` to run before a signal ends the process. False if no thread waits for
  /// signals: `watch` was not called, or the system refused a thread.
  package func beforeSignalEnds(_ work: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if state.seesSignals { state.endings.append(work) }
      return state.seesSignals
    }
  }

  /// Runs `body`, several changes to files that belong together. A signal ends the process before
  /// it or after it, but not in between.
  package func withoutEnding<Value>(_ body: () throws -> Value) rethrows -> Value {
    hold()
    defer { release() }
    return try body()
  }

  /// From now until `release`, a signal does not end the process. Calls can be nested. If a signal
  /// is ending the process already, this never returns.
  package func hold() {
    let isEnding = state.withLock { state in
      if !state.isEnding { state.holds += 1 }
      return state.isEnding
    }
    if isEnding { awaitEnd() }
  }

  /// Ends what `hold` began, in this thread or another one.
  package func release() { state.withLock { $0.holds -= 1 } }

  /// From now on the signals have no effect. False if no thread waits for signals.
  package func ignore(_ signals: Set<Int32>) -> Bool {
    watch()
    return state.withLock { state in
      state.ignored.formUnion(signals)
      return state.seesSignals
    }
  }

  /// Removes the recorded names before the process ends. Waits until nothing is held.
  func removeForEnding() {
    while true {
      let isDone = state.withLock { state in
        guard state.holds == 0 else { return false }
        state.isEnding = true
        for name in state.names { name.remove() }
        return true
      }
      if isDone { return }
      usleep(1000)
    }
  }

  /// Removes the leftovers of killed processes in a directory, once per directory and run.
  package func sweep(_ directory: FilePath) {
    if state.withLock({ $0.swept.insert(directory).inserted }) {
      HiddenFile.removeLeftovers(in: directory)
    }
  }

  /// Like `sweep(_:)` with a path, for an open directory.
  func sweep(_ directory: Descriptor) {
    guard let status = try? directory.status() else { return }
    let isFirst = state.withLock {
      $0.sweptDirectories.insert([status.device, status.inode]).inserted
    }
    if isFirst { HiddenFile.removeLeftovers(in: directory) }
  }

  /// Removes the file at a recorded path.
  package func remove(_ path: FilePath) { remove(Name(directory: nil, path: path)) }

  /// Removes the file of a recorded name.
  func remove(_ name: FilePath, in directory: Descriptor) {
    remove(Name(directory: directory, path: name))
  }

  private func remove(_ name: Name) {
    // The record knows if the name is that of a directory.
    let recorded = state.withLock { $0.names.first { $0 == name } }
    (recorded ?? name).remove()
    forget(name)
  }

  /// Removes a path from the record; the file stays.
  package func forget(_ path: FilePath) { forget(Name(directory: nil, path: path)) }

  /// Removes a name from the record; the file stays.
  func forget(_ name: FilePath, in directory: Descriptor) {
    forget(Name(directory: directory, path: name))
  }

  private func forget(_ name: Name) {
    let isEnding = state.withLock { state in
      state.names.removeAll { $0 == name }
      return state.isEnding
    }
    if isEnding { awaitEnd() }
  }

  /// Waits until the signal has ended the process. Without this, the process could make another
  /// file, or end with an error because a file is gone.
  private func awaitEnd() -> Never { while true { pause() } }

  /// True if the Swift runtime handles the signal. It takes SIGQUIT for a crash.
  private static func isRuntimes(_ signal: Int32) -> Bool {
    var action = sigaction()
    return sigaction(signal, nil, &action) == 0 && action.sa_flags & SA_SIGINFO != 0
  }

  /// True if a signal is ignored, because the parent process ignores it as nohup does.
  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Starts a thread that waits for a signal, removes the recorded names, and lets the signal end
  /// the process. Blocks the signals in the calling thread, and so in every thread that this one
  /// starts later. Callers record a name and call this before they create the file, so a signal
  /// never leaves a file behind. A signal that is ignored stays ignored.
  private func watchSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in Self.endingSignals where !Self.isIgnored(signal) { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let watched = signals
    let isWatched = startThread { [self] in
      var signals = watched
      var number: Int32 = 0
      repeat {
        guard sigwait(&signals, &number) == 0 else { return }
      } while state.withLock { $0.ignored.contains(number) }
      for work in state.withLock({ $0.endings }) { work() }
      removeForEnding()
      // The action of the signal ends the process, or first restores the terminal and then ends it.
      if Self.isRuntimes(number) { signal(number, SIG_DFL) }
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      raise(number)
      // A signal that the first process of a container raises does not end it.
      _exit(128 + number)
    }
    // Without the thread a signal still ends the process. A later process removes its leftovers.
    if !isWatched { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    state.withLock { $0.seesSignals = isWatched }
  }
}
