extension String {
  /// The text, or the first 64 characters of a longer one: an error quotes a text that may have any length.
  package var shortened: String {
    guard let end = unicodeScalars.index(startIndex, offsetBy: 64, limitedBy: endIndex),
      end < endIndex
    else { return self }
    return "\(self[..<end])…"
  }
}
