import CProcess
import Envelope
import Glibc

/// The environment of a command: secret variables, and those of this process.
struct CommandEnvironment: ~Copyable {
  /// The entries of the secret variables, one after the other.
  private let block: SecretBytes
  /// The offset of each entry.
  private let offsets: [Int]
  private let inherited: [UnsafeMutablePointer<CChar>]

  /// A secret variable replaces one of this process. If `isPristine`, the command gets no variable
  /// of this process.
  init(_ secrets: SecretVariables, isPristine: Bool) {
    let variables = secrets.variables
    let counts = variables.map { $0.entry.bytes.count }
    offsets = counts.indices.map { counts[..<$0].reduce(0, +) }
    block = SecretBytes(count: counts.reduce(0, +)) { [offsets] span in
      span.withUnsafeMutableBytes { target in
        for (variable, offset) in zip(variables, offsets) {
          variable.entry.bytes.withBytes { entry in
            entry.withUnsafeBytes {
              UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: $0)
            }
          }
        }
      }
    }
    let names = Set(variables.map { Array($0.name.utf8) })
    inherited = isPristine ? [] : Self.entries().filter { !names.contains(Self.name(of: $0)) }
  }

  /// The entries of this process's environment.
  private static func entries() -> [UnsafeMutablePointer<CChar>] {
    var entries: [UnsafeMutablePointer<CChar>] = []
    while let entry = environ[entries.count] { entries.append(entry) }
    return entries
  }

  private static func name(of entry: UnsafeMutablePointer<CChar>) -> [UInt8] {
    let count = strchr(entry, Int32(UInt8(ascii: "="))).map { $0 - entry } ?? strlen(entry)
    return (0..<count).map { UInt8(bitPattern: entry[$0]) }
  }

  /// Replaces this process by a command, which keeps its terminal, its standard streams and the
  /// other descriptors that this process was started with. Returns an errno value if that fails.
  func replaceProcess(by command: [String]) -> Int32 {
    var arguments = command.map { argument in
      strdup(ArgumentBytes.bytes(of: argument).map { CChar(bitPattern: $0) } + [0])
    }
    defer { for argument in arguments { free(argument) } }
    arguments.append(nil)
    return block.withBytes { bytes in
      bytes.withUnsafeBytes { bytes in
        let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
        let secrets = offsets.map { (start + $0).assumingMemoryBound(to: CChar.self) }
        let environment: [UnsafeMutablePointer<CChar>?] = inherited + secrets + [nil]
        return envcrypt_replace_process(arguments, environment)
      }
    }
  }
}
