/// A sink that keeps a secret in memory that is wiped.
final class SecretSink: ByteSink {
  private var writer: SecretWriter? = SecretWriter()

  let discardsOnFailure = true

  func write(_ bytes: RawSpan) {
    guard var writer = writer.take() else { return }
    writer.append(bytes)
    self.writer = consume writer
  }

  /// Returns what was written. Call once, at the end.
  func finish() -> SecretBytes {
    guard let writer = writer.take() else { preconditionFailure("a secret is taken once") }
    return writer.finish()
  }
}
