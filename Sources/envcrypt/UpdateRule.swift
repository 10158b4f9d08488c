import Envelope

/// The rule of `--update`: an output whose time and size say that it was made from the input as it
/// is now is not made again. Needs no key.
enum UpdateRule {
  /// The file in the place of an output.
  enum Finding {
    case nothing
    /// The output of an earlier run, from the input as it is now. `message` is nil if the output is
    /// a plaintext.
    case current(FilePlace, FileStatus, message: MessageHeader?)
    /// A message that a run may replace: of an input that has changed, or incomplete.
    case outdated(FileStatus)
    /// A file that no run may replace unasked.
    case foreign
  }

  /// Compares the message at `place` with the plaintext that `source` describes.
  static func message(at place: FilePlace, of source: FileStatus) throws -> Finding {
    guard let (file, status) = try place.openExisting() else { return .nothing }
    do {
      let message = try MeasuredMessage(file, size: status.size)
      return message.plaintextSize == source.size && status.hasTime(of: source)
        ? .current(place, status, message: message.header) : .outdated(status)
    } catch let error as MessageError {
      return isOfIncompleteMessage(error) ? .outdated(status) : .foreign
    }
  }

  /// Compares the plaintext at `place` with the message in `source`.
  static func plaintext(
    at place: FilePlace, of source: Descriptor, _ status: FileStatus
  ) throws -> Finding {
    guard let existing = try place.status() else { return .nothing }
    guard existing.kind == .regular, existing.hasTime(of: status) else { return .foreign }
    let message = try MeasuredMessage(source, size: status.size)
    return message.plaintextSize == existing.size
      ? .current(place, existing, message: nil) : .foreign
  }

  /// True for the errors of a message that was cut off or damaged after its header, and for an empty
  /// file. A file that begins in another way may be a user's own.
  private static func isOfIncompleteMessage(_ error: MessageError) -> Bool {
    switch error {
    case .truncated, .trailingData, .malformedArmor, .notAMessage(.empty): true
    default: false
    }
  }
}
