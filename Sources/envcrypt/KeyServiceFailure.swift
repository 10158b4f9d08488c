import KMSAPI

/// The text of the KMS API's errors, under the API's names.
extension Failure {
  init(_ error: KeyServiceError) {
    let (status, text, hint) = Self.parts(error)
    self.init(status, "\(error.name): \(text)", hint: hint)
  }

  /// The failure of a keyring file that has keys or aliases which a keystore cannot have.
  init(ofKeyringFile error: KeyServiceError) {
    let (status, text, hint) = Self.parts(error)
    self.init(status == .usage ? .configuration : status, text, hint: hint)
  }

  /// Runs `body`, which uses a file. Adds the file's name to an error about its contents.
  @discardableResult
  static func naming<Value>(_ file: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as KeyServiceError {
      switch error {
      case .invalidCiphertext, .incorrectKey, .malformedPolicyDocument:
        throw Failure(error).about(file == "-" ? nil : Text.printable(file))
      default: throw error
      }
    }
  }

  private static func parts(_ error: KeyServiceError) -> (ExitStatus, String, hint: String?) {
    switch error {
    case .notFound(let name):
      (
        .unavailable, "there is no key '\(Text.printable(name))'",
        "envcrypt key list shows the keys and their aliases"
      )
    case .misnamed(let name, let alias):
      (
        .unavailable, "there is no key '\(Text.printable(name))'",
        "did you mean \(Text.printable(alias))?"
      )
    case .alreadyExists(let name):
      (.cannotCreate, "\(Text.printable(name)) already exists", nil)
    case .notYetDestroyed(let id):
      (
        .cannotCreate,
        "key \(Text.printable(id)) is past its deletion date, but not destroyed yet",
        "envcrypt keystore check --destroy-due; or, if the clock is wrong, set it right, then: "
          + "envcrypt key cancel-deletion \(Text.printable(id))"
      )
    case .disabled(let id):
      (
        .unavailable, "key \(Text.printable(id)) is disabled",
        "envcrypt key enable \(Text.printable(id))"
      )
    case .invalidState(let id, let state):
      (
        .unavailable, "key \(Text.printable(id)) is \(state.rawValue)",
        state == .pendingDeletion
          ? "envcrypt key cancel-deletion \(Text.printable(id))"
          : state == .pendingImport
            ? "envcrypt kms import-key-material imports its material" : nil
      )
    case .nothingToRotateTo(let id):
      (
        .unavailable, "key \(Text.printable(id)) has no imported material waiting for rotation",
        "import some with --import-type NEW_KEY_MATERIAL"
      )
    case .invalidAliasName(let name):
      (
        .usage, "'\(Text.printable(name))' is not an alias name",
        !name.hasPrefix("alias/") && (try? KeyName.validate(alias: "alias/\(name)")) != nil
          ? "did you mean alias/\(name)?"
          : "alias/ and 1 to 250 letters, digits, '/', '_' or '-', not alias/aws/…"
      )
    case .invalidARN(let text):
      (
        .usage, "'\(Text.printable(text))' is not an ARN that fits here",
        "a key is arn:aws:kms:local:000000000000:key/KEY-ID, a user is "
          + "arn:aws:iam::000000000000:user/NAME"
      )
    case .invalidMarker(let text):
      (
        .usage, "'\(Text.printable(text))' is not a marker",
        "use the NextMarker of the previous page, unchanged"
      )
    case .validation(let what), .invalidKeyUsage(let what), .tag(let what):
      (.usage, Text.printable(what), nil)
    case .unsupportedOperation(let what): (.unavailable, Text.printable(what), nil)
    case .limitExceeded(let what): (.cannotCreate, Text.printable(what), nil)
    case .invalidCiphertext:
      (
        .dataError,
        "the ciphertext was altered, or is under another key or encryption context", nil
      )
    case .incorrectKey(let name):
      (.unavailable, "the ciphertext is not under key '\(Text.printable(name))'", nil)
    case .invalidSignature: (.dataError, "the signature does not verify", nil)
    case .invalidMAC: (.dataError, "the MAC does not verify", nil)
    case .incorrectKeyMaterial(let what): (.dataError, Text.printable(what), nil)
    case .invalidImportToken:
      (
        .dataError, "the import token is for another key, or was altered",
        "envcrypt kms get-parameters-for-import makes one"
      )
    case .expiredImportToken:
      (
        .dataError, "the import token is older than 24 hours",
        "envcrypt kms get-parameters-for-import makes a new one"
      )
    case .invalidGrantToken:
      (
        .usage, "no existing grant has this grant token",
        "envcrypt key grant list KEY shows the grants of a key"
      )
    case .invalidGrantID(let id):
      (
        .usage, "'\(Text.printable(id))' is not the ID of a grant, which has 64 hexadecimal digits",
        "envcrypt key grant list KEY shows the grants of a key"
      )
    case .accessDenied(let what): (.noPermission, Text.printable(what), nil)
    case .unknownCaller(let what):
      (
        .noPermission, Text.printable(what),
        "run envcrypt outside of the user namespace (unshare, a rootless container); "
          + "docs/threat-model.md says why"
      )
    case .deniedByPolicy(let what):
      (
        .noPermission, Text.printable(what),
        "envcrypt key policy simulate KEY --action ACTION shows the reason, if you may read the "
          + "policy; the keystore's owner can use envcrypt key policy reset KEY"
      )
    case .malformedPolicyDocument(let what):
      (
        .usage, Text.printable(what),
        "envcrypt key policy simulate KEY --policy FILE --action ACTION shows what a policy does"
      )
    case .dryRun:
      (.dryRun, "the request would have succeeded, but DryRun is set", nil)
    }
  }
}
