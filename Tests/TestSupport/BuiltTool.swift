import Foundation
import Glibc
import Synchronization
import Testing

/// The built tool, and scripts that run with it first in PATH.
enum BuiltTool {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The directory of the tool: the build places it beside the test runner. Some tests run the tool
  /// as another user. If other users cannot reach it, this is a copy in a directory that they can
  /// reach.
  static let directory: URL = {
    let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let beside = runner.deletingLastPathComponent()
    let built =
      FileManager.default.isExecutableFile(atPath: beside.appendingPathComponent("envcrypt").path)
      ? beside : repository.appendingPathComponent(".build/debug")
    guard getuid() == 0, !isReachable(built.path) else { return built }
    return (try? reachableCopy(of: built)) ?? built
  }()

  /// True if every user can reach the directory and enter it.
  static func isReachable(_ path: String) -> Bool {
    var directory = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    while true {
      var status = stat()
      guard stat(directory.path, &status) == 0, status.st_mode & 0o005 == 0o005 else {
        return false
      }
      if directory.path == "/" { return true }
      directory.deleteLastPathComponent()
    }
  }

  /// The directory for temporary files. It is the caller's own unless tests run that become other
  /// users and those users could not reach it.
  static let temporaryDirectory: URL = {
    let callers = FileManager.default.temporaryDirectory
    guard getuid() == 0, !isReachable(callers.path) else { return callers }
    let others = ["/tmp", "/var/tmp", "/dev/shm"].first(where: isReachable)
    return others.map { URL(fileURLWithPath: $0) } ?? callers
  }()

  private static func reachableCopy(of built: URL) throws -> URL {
    let copy = temporaryDirectory.appendingPathComponent("envcrypt-tool-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: copy, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    copies.withLock { $0.append(copy.path) }
    atexit {
      for path in BuiltTool.copies.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    let tool = copy.appendingPathComponent("envcrypt")
    try FileManager.default.copyItem(at: built.appendingPathComponent("envcrypt"), to: tool)
    // The tool also looks for libraries beside itself. A tool chain in a home directory is not
    // accessible to other users.
    for library in try libraries(of: tool)
    where !isReachable(library.deletingLastPathComponent().path) {
      try FileManager.default.copyItem(
        at: library.resolvingSymlinksInPath(),
        to: copy.appendingPathComponent(library.lastPathComponent))
    }
    return copy
  }

  private static let copies = Mutex<[String]>([])

  /// Returns the libraries that the dynamic linker finds for a program.
  private static func libraries(of program: URL) throws -> [URL] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ldd", program.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return lines.split(separator: "\n").compactMap { line in
      guard let arrow = line.range(of: " => /"), let end = line.range(of: " (0x") else {
        return nil
      }
      return URL(fileURLWithPath: "/" + line[arrow.upperBound..<end.lowerBound])
    }
  }

  /// The caller's variables that are passed on. Any other variable (a language, a time zone, a
  /// terminal type, settings of programs that the scripts run) could make a correct test fail.
  private static let passedOn: Set = [
    "ASAN_OPTIONS", "CI", "LD_LIBRARY_PATH", "PYENV_ROOT", "SANITIZER", "SWIFT_BACKTRACE",
    "TSAN_OPTIONS", "UBSAN_OPTIONS",
  ]

  /// Runs `arguments` in a fresh directory with its own HOME, without a terminal and with the
  /// default signal actions. Returns the exit status (128 plus the signal number if a signal ended
  /// it) and everything that was printed.
  static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let scratch = try TemporaryDirectory()
    let log = scratch.path.appending("log")
    try write([], to: log)
    let work = URL(fileURLWithPath: scratch.path.appending("work").string)
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["--default-signal", "setsid", "--wait"] + arguments
    process.currentDirectoryURL = work
    let callers = ProcessInfo.processInfo.environment
    var environment = callers.filter { passedOn.contains($0.key) }
    environment["HOME"] = work.path
    environment["XDG_DATA_HOME"] = work.appendingPathComponent("data").path
    environment["PATH"] = directory.path + ":" + (callers["PATH"] ?? "/usr/bin:/bin")
    environment["TMPDIR"] = temporaryDirectory.path
    environment["LC_ALL"] = "C.UTF-8"
    environment["TERM"] = "dumb"
    process.environment = environment
    let handle = try #require(FileHandle(forWritingAtPath: log.string))
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let output = String(decoding: try contents(log), as: UTF8.self)
    let status = process.terminationStatus
    return (process.terminationReason == .exit ? status : 128 + status, output)
  }

  /// Prints the parts that a script skipped, even if the script passed.
  static func showSkipped(in output: String, of name: String) {
    for line in output.split(separator: "\n") where line.hasPrefix("SKIPPED") {
      print("\(name): \(line)")
    }
  }

  /// True in CI, where no test may be skipped.
  static var isCI: Bool { ProcessInfo.processInfo.environment["CI"] != nil }
}
