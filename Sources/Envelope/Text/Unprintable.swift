extension Unicode.Scalar {
  /// True for control characters (C0, DEL, C1), line separators, bidirectional controls and other
  /// invisible characters: they can move the cursor of a terminal or turn its line around.
  package var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
