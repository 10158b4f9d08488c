extension String {
  /// The text, or the first 64 characters of a longer text and an ellipsis. For errors that quote a
  /// text of any length.
  package var shortened: String {
    guard let end = unicodeScalars.index(startIndex, offsetBy: 64, limitedBy: endIndex),
      end < endIndex
    else { return self }
    return "\(self[..<end])…"
  }
}
