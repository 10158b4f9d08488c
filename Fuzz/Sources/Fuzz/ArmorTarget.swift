@testable import Envelope

extension FuzzTarget {
  /// Armor. The result does not depend on how the bytes arrive, and a message that was read can be
  /// written again.
  static let armor = FuzzTarget("armor") { bytes in
    let step = Int(bytes.first ?? 0)
    let text = Array(bytes.dropFirst())
    let whole = Result { try ArmorSource(MemorySource(text)).readAll() }
    let pieces = Result {
      try ArmorSource(MemorySource(text, step: step + 1)).readAll(capacity: step % 7 + 1)
    }
    guard case .success(let message) = whole else {
      if case .success = pieces { require(false, "pieces are read, the whole is not") }
      _ = try whole.get()
      return
    }
    require(try pieces.get() == message, "pieces say something else than the whole")
    let sink = MemorySink()
    let armor = ArmorSink(sink)
    try armor.write(message.span.bytes)
    try armor.finish()
    require(
      try ArmorSource(MemorySource(sink.bytes)).readAll() == message,
      "it is not written as it was read")
  }
}
