import Envelope
import KMSAPI
import KMSKeystore

extension OperationCall {
  /// The number of characters of a key ID that must be given: those before its first hyphen. Fewer
  /// would soon name two keys.
  package static let keyIDPrefixLength = 8

  /// The number of keys that an error lists.
  private static let mostListed = 8

  /// The number of aliases among which a misspelled one is looked for.
  private static let mostCompared = 1000

  /// Returns the key that a text names. If the service takes them, the text may be the beginning of
  /// a key ID; throws `validation` if several keys have it.
  func keyName(_ text: String, in view: KeystoreView) throws -> KeyName {
    if let name = try knownForm(text) { return name }
    guard service.takesKeyIDPrefixes, let prefix = Self.keyIDPrefix(text) else {
      throw missing(text, in: view)
    }
    let ids = try view.masterKeys(idPrefix: prefix, limit: Self.mostListed + 1)
      .compactMap { $0.asOf(now)?.id }
    guard ids.count <= 1 else {
      let more = ids.count > Self.mostListed ? ", and more" : ""
      throw KeyServiceError.validation(
        "several keys have an ID that begins with '\(text)': "
          + ids.prefix(Self.mostListed).joined(separator: ", ") + more)
    }
    guard let id = ids.first else { throw KeyServiceError.notFound(text) }
    return .keyID(id)
  }

  /// Returns the key that a whole name means; nil if the text does not have the form of a name.
  private func knownForm(_ text: String) throws -> KeyName? {
    do throws(KeyServiceError) {
      return try KeyName(parsing: text)
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
  }

  /// Returns the text in lower case if it can be the beginning of a key ID.
  private static func keyIDPrefix(_ text: String) -> String? {
    let text = text.lowercased()
    guard (keyIDPrefixLength..<36).contains(text.utf8.count) else { return nil }
    for (index, byte) in text.utf8.enumerated() {
      let isHyphen = byte == UInt8(ascii: "-")
      guard isHyphen == [8, 13, 18, 23].contains(index) else { return nil }
      guard isHyphen || "0123456789abcdef".utf8.contains(byte) else { return nil }
    }
    return text
  }

  /// Returns the error for a name that no key has. Names the alias that was probably meant.
  func missing(_ name: String, in view: KeystoreView) -> KeyServiceError {
    let prefix = "alias/"
    let wanted = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    // An ARN, a key ID and the like are not misspelled aliases.
    guard !wanted.isEmpty, !wanted.hasPrefix("arn:"), !wanted.utf8.contains(0),
      Self.keyIDPrefix(wanted) == nil
    else { return .notFound(name) }
    if wanted != name, (try? view.alias(named: prefix + wanted)) != nil {
      return .misnamed(name, alias: prefix + wanted)
    }
    let aliases = try? view.aliases(after: "", ofKey: nil, at: now, limit: Self.mostCompared)
    let names = (aliases ?? []).map { String($0.name.dropFirst(prefix.count)) }
    guard let near = NearestName.find(wanted, in: names) else { return .notFound(name) }
    return .misnamed(name, alias: prefix + near)
  }
}
