@testable import Envelope
@testable import envcrypt

extension FuzzTarget {
  /// The pairs of `-c key=value`, separated by NUL, as the system passes arguments. The first '='
  /// is the separator, whatever is next to it. The same bytes are also read as a serialized
  /// context.
  static let context = FuzzTarget("context") { bytes in
    if let context = EncryptionContext(serialized: bytes) {
      let again = EncryptionContext(serialized: try context.serialized())
      require(again == context, "a context is not written as it was read")
    }
    let arguments = bytes.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    var options = ContextOptions()
    options.pairs = arguments.map { ArgumentBytes.string(from: $0) }
    do {
      try options.validate()
    } catch {
      require(bytes.isNoText, "text is refused: \(error)")
      return
    }
    let context = try options.encryptionContext()
    require(context.pairs.count == arguments.count, "pairs are lost")
    for argument in arguments {
      let equals = argument.firstIndex(of: UInt8(ascii: "="))!
      let key = Array(argument[..<equals])
      require(!key.starts(with: EncryptionContext.reservedPrefix.utf8), "a reserved key is taken")
      let value = Array(argument[(equals + 1)...])
      let found = context.pairs.first { $0.key.utf8.elementsEqual(key) }?.value
      require(found?.utf8.elementsEqual(value) ?? false, "a pair is divided in another place")
    }
    let serialized = try context.serialized()
    require(EncryptionContext(serialized: serialized) == context, "the context does not come back")
  }
}

extension [UInt8] {
  fileprivate var isNoText: Bool { String(validating: self, as: UTF8.self) == nil }
}
