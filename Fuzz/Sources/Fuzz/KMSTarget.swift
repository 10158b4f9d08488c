@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import envcrypt

extension FuzzTarget {
  /// The arguments of `envcrypt kms OPERATION`, beginning with the operation, separated by NUL. A
  /// value can be shorthand or JSON. Files are not read.
  static let kms = FuzzTarget("kms") { bytes in
    var arguments = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
      ArgumentBytes.string(from: Array($0))
    }
    guard !arguments.contains(where: { contains($0, "://") }) else { return }
    let name = arguments.removeFirst()
    let operations = KeyServiceOperation.allCases
    let operation =
      operations.first { APIName.command($0.rawValue) == name }
      // A mutated name selects another operation.
      ?? operations[Int(bytes.first ?? 0) % operations.count]
    try decode(operation.requestType, arguments)
  }

  private static func decode<Request: KeyServiceRequest>(
    _ type: Request.Type, _ arguments: [String]
  ) throws {
    _ = try KMSArguments(arguments, home: nil).decode(type)
  }

  private static func contains(_ text: String, _ piece: String) -> Bool {
    let text = Array(text.utf8)
    return text.indices.contains { text[$0...].starts(with: piece.utf8) }
  }
}
