/// A tag of a key.
package struct Tag: Codable, Equatable, Sendable {
  package let tagKey: String
  package let tagValue: String

  package init(tagKey: String, tagValue: String) {
    self.tagKey = tagKey
    self.tagValue = tagValue
  }

  /// Compares byte by byte, as the keystore does.
  package static func == (left: Tag, right: Tag) -> Bool {
    left.tagKey.utf8.elementsEqual(right.tagKey.utf8)
      && left.tagValue.utf8.elementsEqual(right.tagValue.utf8)
  }
}
