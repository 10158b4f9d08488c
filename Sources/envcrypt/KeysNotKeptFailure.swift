import Envelope

/// The text of the error for a message that cannot stay under its own keys.
extension Failure {
  init(_ error: KeysNotKeptError) {
    let lost = error.lost.map { lost in
      "\(Text.printable(lost.name.providerID)) \(Text.printable(lost.name.keyName)) "
        + "(\(Self.reason(lost.obstacle)))"
    }
    self.init(
      .unavailable, "the message cannot keep its key \(lost.joined(separator: ", "))",
      hint: "name all keys that the message needs: envcrypt reencrypt "
        + Self.options(error).joined(separator: " ") + " FILE")
  }

  private static func reason(_ obstacle: KeptKeyObstacle) -> String {
    switch obstacle {
    case .notAtHand: "neither the keystore nor a --keyring has it"
    case .onlyFingerprint: "the message has only the fingerprint of the public key"
    case .onlyForReading: "such a key is only for decryption"
    case .refused(let error): Failure(error).message
    }
  }

  /// Returns options that name the keys that can stay, and a placeholder for the others.
  private static func options(_ error: KeysNotKeptError) -> [String] {
    let keys = error.kept.filter { $0.providerID == "envcrypt" }.map {
      "-k \(Text.printable(String($0.keyName.prefix { $0 != "/" })))"
    }
    let hasOthers = error.kept.count > keys.count || error.lost.contains { $0.obstacle.isOfOthers }
    return keys + (hasOthers ? ["-r PUB.pem"] : []) + (keys.isEmpty && !hasOthers ? ["-k KEY"] : [])
  }
}

extension KeptKeyObstacle {
  /// True unless the keystore refused the key: the message may then be for somebody else's public
  /// key.
  fileprivate var isOfOthers: Bool {
    if case .refused = self { return false }
    return true
  }
}
