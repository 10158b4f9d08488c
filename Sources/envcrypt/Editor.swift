import CProcess
import Envelope
import Glibc
import Synchronization
import SystemPackage

/// The editor of the user: $VISUAL, else $EDITOR, else vi.
struct Editor {
  /// The command, with arguments as in a shell.
  private let command: [CChar]

  static func ofUser() -> Editor {
    for name in ["VISUAL", "EDITOR"] {
      if let value = getenv(name), value.pointee != 0 {
        return Editor(command: Array(UnsafeBufferPointer(start: value, count: strlen(value) + 1)))
      }
    }
    return Editor(command: Array("vi".utf8CString))
  }

  /// Opens a file in the editor and waits for its end. A signal that ends this process ends the
  /// editor too. Throws `Errno` if the editor cannot be started.
  func edit(_ path: FilePath, leftovers: Leftovers) throws -> ShellCommand.Status {
    let running = RunningEditor()
    _ = leftovers.beforeSignalEnds { running.end() }
    var process: pid_t = 0
    let failure = path.withPlatformString { envcrypt_start_editor(command, $0, &process) }
    guard failure == 0 else { throw Errno(rawValue: failure) }
    running.process.store(process, ordering: .releasing)
    var raw: Int32 = 0
    while waitpid(process, &raw, 0) < 0, errno == EINTR {}
    running.process.store(0, ordering: .releasing)
    // A signal has ended the editor, and is about to end this process: do nothing else.
    while running.isEnded.load(ordering: .acquiring) { pause() }
    let status = ShellCommand.Status(waitStatus: raw)
    // A shell that waits for the editor reports a signal so.
    if case .exited(let number) = status, number > 128 { return .killed(signal: number - 128) }
    return status
  }
}

/// The process of an editor, for the thread that waits for signals.
private final class RunningEditor: Sendable {
  /// 0 if no editor is running.
  let process = Atomic<pid_t>(0)
  /// True if `end` was called.
  let isEnded = Atomic(false)

  /// Sends SIGTERM to the editor and to the shell that has started it.
  func end() {
    let process = process.load(ordering: .acquiring)
    guard process > 0 else { return }
    isEnded.store(true, ordering: .releasing)
    let children = FilePath("/proc/\(process)/task/\(process)/children")
    let text = (try? SmallFile.read(children, limit: 4096)) ?? []
    for child in text.split(separator: UInt8(ascii: " ")) {
      if let number = pid_t(String(decoding: child, as: UTF8.self)) { kill(number, SIGTERM) }
    }
    kill(process, SIGTERM)
  }
}
