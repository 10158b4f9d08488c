import Glibc

@testable import Envelope
@testable import envcrypt

/// A parser that gets hostile bytes, and the properties that must hold for any input.
struct FuzzTarget: Sendable {
  let name: String
  /// Takes one input. Nothing may trap, and `require` reports properties that do not hold.
  let run: @Sendable ([UInt8]) throws -> Void

  init(_ name: String, _ run: @escaping @Sendable ([UInt8]) throws -> Void) {
    self.name = name
    self.run = run
  }

  /// Runs one input. Every error must be one that the program explains to its user.
  func take(_ bytes: [UInt8]) {
    do {
      try run(bytes)
    } catch {
      let failure = Failure(error)
      require(failure.status != .software, "an error that nobody explains: \(error)")
    }
  }
}

/// Ends the run if `condition` is false. libFuzzer keeps the input.
func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { fatalError(message()) }
}

extension ByteSource {
  /// Returns all bytes, read with a buffer of `capacity` bytes.
  func readAll(capacity: Int = 4096) throws -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: capacity)
    while true {
      let count = try buffer.withUnsafeMutableBytes {
        var span = MutableRawSpan(_unsafeBytes: $0)
        return try read(into: &span)
      }
      if count == 0 { return all }
      all += buffer.prefix(count)
    }
  }
}

extension FuzzTarget {
  static let all: [FuzzTarget] = [
    .armor, .audit, .blob, .context, .json, .keyring, .keystore, .kms, .message, .policy,
    .recipient, .shorthand, .template, .toml,
  ]

  /// The target that the command line names.
  static let chosen: FuzzTarget = {
    let prefix = "--target="
    let name = CommandLine.arguments.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.count)
    guard let target = all.first(where: { $0.name == name ?? "" }) else {
      print("usage: Fuzz --target=\(all.map(\.name).joined(separator: "|")) [option …]")
      exit(64)
    }
    return target
  }()
}
