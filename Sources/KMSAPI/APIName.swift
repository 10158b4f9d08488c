/// The KMS API's names in three spellings: `targetKeyID` here, `TargetKeyId` in its JSON,
/// `target-key-id` on the AWS CLI's command line.
package enum APIName {
  /// `KeyId` for `keyID`.
  package static func member(_ property: String) -> String {
    // The API's one name that keeps its capitals.
    if property == "awsAccountID" { return "AWSAccountId" }
    return words(property).map { word in
      switch word {
      case "ID": "Id"
      case "ARN": "Arn"
      default: word.prefix(1).uppercased() + word.dropFirst()
      }
    }.joined()
  }

  /// `keyID` for `KeyId`.
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

  /// `key-id` for `keyID`.
  package static func option(_ property: String) -> String {
    words(property).joined(separator: "-").lowercased()
  }

  /// `generate-data-key` for `GenerateDataKey`.
  package static func command(_ operation: String) -> String { option(operation) }

  /// A name's words, by its capitals; several capitals together are one word, save the last of them
  /// where a small letter follows: it begins the next.
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
