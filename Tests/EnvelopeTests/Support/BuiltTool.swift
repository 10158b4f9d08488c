import Foundation
import Testing

/// The built binary, and scripts run with it first in PATH.
enum BuiltTool {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The directory of the test runner, where the build puts the tool too.
  static let directory: URL = {
    let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let beside = runner.deletingLastPathComponent()
    if FileManager.default.isExecutableFile(atPath: beside.appendingPathComponent("envcrypt").path)
    {
      return beside
    }
    return repository.appendingPathComponent(".build/debug")
  }()

  /// Runs `arguments` in a fresh directory with its own HOME. Returns the exit status (128 and the
  /// signal where one ended it) and everything that was printed.
  static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let scratch = try TemporaryDirectory()
    let log = scratch.path.appending("log")
    try write([], to: log)
    let work = URL(fileURLWithPath: scratch.path.appending("work").string)
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = work
    var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ENVCRYPT_") }
    environment["HOME"] = work.path
    environment["XDG_DATA_HOME"] = work.appendingPathComponent("data").path
    environment["PATH"] = directory.path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["LC_ALL"] = "C.UTF-8"
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

  /// Whether nothing may be skipped.
  static var isCI: Bool { ProcessInfo.processInfo.environment["CI"] != nil }
}
