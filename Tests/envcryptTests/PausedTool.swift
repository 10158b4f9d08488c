import Foundation
import Glibc
import SystemPackage
import Testing

@testable import TestSupport

/// The built tool, stopped when its work is done but before the system reclaims its memory.
final class PausedTool {
  private let directory: FilePath
  private let library: FilePath
  /// A secret in the environment of every process, which is there as long as the process lives.
  let control = UUID().uuidString

  init(in directory: FilePath) throws {
    self.directory = directory
    library = directory.appending("pause.so")
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("pause.c").path
    let compiler = try BuiltTool.run([
      "cc", "-shared", "-fPIC", "-O1", "-o", library.string, source,
    ])
    try #require(compiler.status == 0, "\(compiler.output)")
  }

  /// Runs the tool and calls `look` when it has stopped. If the tool fails, the error contains its
  /// messages.
  func run(
    _ arguments: [String], input: String? = nil, output: String? = nil,
    look: (StoppedProcess) throws -> Void
  ) throws {
    let log = directory.appending("log")
    for path in [log, directory.appending("stdout")] { try write([], to: path) }
    let process = Process()
    process.executableURL = BuiltTool.directory.appendingPathComponent("envcrypt")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory.string)
    // When a function is first called, the dynamic linker resolves it and leaves all registers on
    // the stack, including the last copied bytes. The static release has no dynamic linker.
    process.environment = [
      "LD_BIND_NOW": "1",
      "HOME": directory.string, "LD_PRELOAD": library.string, "CONTROL": control,
      "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
    ]
    process.standardInput =
      try input.map { name -> FileHandle in
        try #require(FileHandle(forReadingAtPath: directory.appending(name).string))
      } ?? FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: directory.appending("stdout").string)
    process.standardError = FileHandle(forWritingAtPath: log.string)
    try process.run()
    let stopped = StoppedProcess(process.processIdentifier)
    defer {
      kill(process.processIdentifier, SIGCONT)
      process.waitUntilExit()
    }
    guard stopped.wait() else {
      Issue.record(
        "\(arguments) did not stop: \(String(decoding: try contents(log), as: UTF8.self))")
      return
    }
    try look(stopped)
    kill(process.processIdentifier, SIGCONT)
    process.waitUntilExit()
    let messages = String(decoding: try contents(log), as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(arguments): \(messages)")
    if let output {
      try write(try contents(directory.appending("stdout")), to: directory.appending(output))
    }
  }
}

/// A process that has stopped itself, and its memory.
struct StoppedProcess {
  /// True if the system lets us read the memory of our own children.
  static let canBeLookedInto: Bool = {
    let scope = try? String(contentsOfFile: "/proc/sys/kernel/yama/ptrace_scope", encoding: .utf8)
    let level = scope.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
    return level < (getuid() == 0 ? 3 : 2)
  }()

  private let number: pid_t

  init(_ number: pid_t) { self.number = number }

  /// True if the process stops within a minute.
  func wait() -> Bool {
    for _ in 0..<6000 {
      let status = (try? contents(FilePath("/proc/\(number)/stat"))) ?? []
      let fields = String(decoding: status, as: UTF8.self).split(separator: " ")
      guard fields.count > 2 else { return false }
      if fields[2] == "T" || fields[2] == "t" { return true }
      if fields[2] == "Z" { return false }
      usleep(10_000)
    }
    return false
  }

  /// Returns the `needles` that are in writable memory of the process, and their positions.
  func finds(_ needles: [(name: String, bytes: [UInt8])]) throws -> [String] {
    let memory = open("/proc/\(number)/mem", O_RDONLY | O_CLOEXEC)
    try #require(memory >= 0, "the memory of another process cannot be read here")
    defer { close(memory) }
    var found: [String] = []
    for line in try maps().split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      guard fields[1].hasPrefix("rw") else { continue }
      let range = fields[0].split(separator: "-").map { Int($0, radix: 16)! }
      var bytes = [UInt8](repeating: 0, count: range[1] - range[0])
      let count = pread(memory, &bytes, bytes.count, off_t(range[0]))
      guard count > 0 else { continue }
      let place = fields.count > 5 ? String(fields[5]) : "anonymous"
      for needle in needles {
        if Self.contains(needle.bytes, in: bytes, count) {
          found.append("\(needle.name) in \(place)")
        }
      }
    }
    return found
  }

  /// Reads in pieces: Foundation reads only the first page of a file without a size.
  private func maps() throws -> String {
    let file = try #require(FileHandle(forReadingAtPath: "/proc/\(number)/maps"))
    var bytes = Data()
    while let more = try file.read(upToCount: 4096), !more.isEmpty { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func contains(_ needle: [UInt8], in bytes: [UInt8], _ count: Int) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var start = 0
      while start + needle.count <= count,
        let hit = memchr(
          bytes.baseAddress! + start, Int32(needle[0]), count - start - needle.count + 1)
      {
        if memcmp(hit, needle, needle.count) == 0 { return true }
        start = UnsafeRawPointer(hit) - bytes.baseAddress! + 1
      }
      return false
    }
  }
}
