import Envelope

/// The name that a person gives a protector, for example "office". The ledger lists it with the
/// protector, so an edited one is noticed.
package enum ProtectorLabel {
  /// The most characters (Unicode code points) of a label.
  package static let limit = 64

  /// The most bytes of a label in UTF-8.
  static let mostBytes = 4 * limit

  /// True if the text can be a label: it can be printed in a line, and is not mistaken for the ID of
  /// a protector.
  package static func isValid(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    return (1...limit).contains(scalars.count) && !scalars.contains(where: \.isUnprintable)
      && scalars.first != " " && scalars.last != " " && !isID(text)
  }

  /// True if the text has the form of a protector's ID: 8 hexadecimal digits.
  private static func isID(_ text: String) -> Bool {
    text.utf8.count == 8
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
  }
}
