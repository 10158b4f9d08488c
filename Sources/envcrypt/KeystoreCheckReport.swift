import KMSKeystore

/// The report of `keystore check` in JSON.
struct KeystoreCheckReport: Encodable {
  /// The failure that prevented or ended the check, as in the reports of runs over files.
  struct Obstacle: Encodable {
    let message: String
    let hint: String?
    let status: Int32

    enum CodingKeys: String, CodingKey {
      case message = "Message"
      case hint = "Hint"
      case status = "Status"
    }
  }

  /// True if every record is as envcrypt wrote it.
  let isIntact: Bool
  /// The number of records of each kind; nil if they were not counted.
  let keys: Int?
  let versions: Int?
  let aliases: Int?
  let tags: Int?
  let grants: Int?
  let stacks: Int?
  let auditRecords: Int?
  /// The damage, in the words of the messages.
  let damage: [String]
  /// The damage that --accept mended.
  let accepted: [String]
  /// The hidden files that a killed process left, which were removed.
  let removedFiles: [String]
  /// The keys and key material that are due to be destroyed and still exist.
  let due: [DueReport]
  /// Nil if the check was made.
  let error: Obstacle?

  enum CodingKeys: String, CodingKey {
    case isIntact = "Intact"
    case keys = "Keys"
    case versions = "KeyVersions"
    case aliases = "Aliases"
    case tags = "Tags"
    case grants = "Grants"
    case stacks = "Stacks"
    case auditRecords = "AuditRecords"
    case damage = "Damage"
    case accepted = "Accepted"
    case removedFiles = "RemovedFiles"
    case due = "DueDestructions"
    case error = "Error"
  }

  init(
    _ check: KeystoreCheck, accepted: [KeystoreDamage], removedFiles: [String], due: [DueReport]
  ) {
    isIntact = check.damage.isEmpty
    keys = check.keys
    versions = check.versions
    aliases = check.aliases
    tags = check.tags
    grants = check.grants
    stacks = check.stacks
    auditRecords = check.auditRecords
    damage = check.damage.map(\.text)
    self.accepted = accepted.map(\.text)
    self.removedFiles = removedFiles
    self.due = due
    error = nil
  }

  /// Reports a check that could not be made. `option` is the keystore that `--keystore` names.
  init(_ failure: Failure, option: String?) {
    isIntact = false
    (keys, versions, aliases, tags, grants, stacks) = (nil, nil, nil, nil, nil, nil)
    auditRecords = nil
    (damage, accepted, removedFiles, due) = ([], [], [], [])
    error = Obstacle(
      message: failure.message, hint: failure.hint.map { PastedHint.text($0, option: option) },
      status: failure.status.rawValue)
  }
}
