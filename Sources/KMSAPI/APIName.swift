/// Converts names of the KMS API between three spellings: `targetKeyID` in this program,
/// `TargetKeyId` in JSON, `target-key-id` on the command line of the AWS CLI.
package enum APIName {
  /// Returns `KeyId` for `keyID`.
  package static func member(_ property: String) -> String {
    // This is the only name of the API that keeps an abbreviation in capitals.
    if property == "awsAccountID" { return "AWSAccountId" }
    return words(property).map { word in
      switch word {
      case "ID": "Id"
      case "ARN": "Arn"
      default: word.prefix(1).uppercased() + word.dropFirst()
      }
    }.joined()
  }

  /// Returns `keyID` for `KeyId`.
  package static func property(_ member: String) -> String {
    let words = words(member)
    return words.enumerated().map { index, word in
      switch word {
      case _ where index == 0: word.lowercased()
      case "Id": "ID"
      case "Arn": "ARN"
      default: String(word)
      }
    }.joined()
  }

  /// Returns `key-id` for `keyID`.
  package static func option(_ property: String) -> String {
    words(property).joined(separator: "-").lowercased()
  }

  /// Returns `generate-data-key` for `GenerateDataKey`.
  package static func command(_ operation: String) -> String { option(operation) }

  /// Returns the words of a name. A capital begins a word. Several capitals in a row are one word,
  /// but if a lower-case letter follows, the last capital begins the next word.
  private static func words(_ name: String) -> [Substring] {
    var words: [Substring] = []
    var start = name.startIndex
    for index in name.indices.dropFirst() where name[index].isUppercase {
      let next = name.index(after: index)
      let endsCapitals = next < name.endIndex && name[next].isLowercase
      if !name[name.index(before: index)].isUppercase || endsCapitals {
        words.append(name[start..<index])
        start = index
      }
    }
    words.append(name[start...])
    return words
  }
}
