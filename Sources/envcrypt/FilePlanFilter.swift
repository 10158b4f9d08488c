import Envelope

extension FilePlan {
  /// True if the filter rules leave out an input that the user named: they see the last component of
  /// its path.
  func excludes(_ input: NamedInput, isTree: Bool) -> Bool {
    filter(for: input, isTree: isTree)?.excludes("", isDirectory: isTree) ?? false
  }

  /// Returns the filter for an input; nil if nothing is left out. If the input is a message, the
  /// rules see the name of its plaintext, so that the same rules do for encryption and decryption.
  func filter(for input: NamedInput, isTree: Bool) -> TreeFilter? {
    if selection.isEverything || input.path.namesDescriptor { return nil }
    return TreeFilter(
      selection, root: isTree ? input.nameOfTree : input.path.lastName ?? "",
      suffix: naming == .encrypt ? [] : suffix.bytes)
  }
}
