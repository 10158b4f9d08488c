extension Unicode.Scalar {
  /// True for control characters (C0, DEL, C1), line separators, bidirectional controls and other
  /// invisible characters. They can move the cursor of a terminal or reverse its line.
  package var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
