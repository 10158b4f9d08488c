import ArgumentParser
import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSService

struct KeystoreAuditCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Show what was done with keys, and what was refused.",
    discussion: """
      Each use and each change of a key is one record, even if it was refused. The records are in \
      the file beside the keystore whose name ends in -audit. This command does not verify them: \
      'keystore check' does that.

      Examples:
        envcrypt keystore audit --key alias/backup
        envcrypt keystore audit --since 2026-11-01 --operation Decrypt
        envcrypt keystore audit --message-id 9a0f2c5e
        envcrypt keystore audit --json | jq '.Records[] | select(.errorCode)'
        envcrypt keystore audit --prune-before 2026-01-01
      """)

  @Option(help: ArgumentHelp("Only records of this key: key ID, alias/… or ARN.", valueName: "key"))
  var key: String?

  @Option(help: ArgumentHelp("Only records since this date (ISO 8601).", valueName: "date"))
  var since: String?

  @Option(
    help: ArgumentHelp("Only records of this operation, by its KMS API name.", valueName: "name"))
  var operation: String?

  @Option(
    name: .customLong("message-id"),
    help: ArgumentHelp(
      "Only records of the message with this ID, which 'inspect' shows.",
      discussion: "The ID in hexadecimal, or its beginning.", valueName: "id"))
  var messageID: String?

  @Option(
    help: ArgumentHelp(
      "Delete the records from before this date. The log records this.", valueName: "date"))
  var pruneBefore: String?

  @Flag(help: "Print JSON, with the field names of CloudTrail.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  mutating func validate() throws {
    if pruneBefore != nil,
      key != nil || since != nil || operation != nil || json || messageID != nil
    {
      throw ValidationError("--prune-before cannot be used with other options")
    }
  }

  func run() throws { try keystore.withService(run) }

  private func run(_ service: KeyService) throws {
    let console = keystore.console()
    if let pruneBefore {
      let count = try service.pruneAuditLog(before: try Self.date(pruneBefore))
      console.note("\(Text.count(count, "record")) deleted")
      return
    }
    let keyID = try key.map { try service.keyIDForAudit($0) }
    let since = try since.map(Self.date)
    let operation = try operation.map(Self.operationName)
    let message = try messageID.map(Self.beginningOfID)
    var events: [AuditEvent] = []
    try service.readAuditLog { sequence, record in
      if let keyID, record.keyID != keyID { return }
      if let since, record.date < since { return }
      if let operation, record.operation != operation { return }
      if let message, record.messageID?.hasPrefix(message) != true { return }
      if json {
        events.append(AuditEvent(sequence, record))
      } else {
        console.output(Self.line(record))
      }
    }
    if json { try console.json(["Records": events], keysAsTheyAre: true) }
  }

  private static func line(_ record: AuditRecord) -> String {
    var words = [
      record.date.formatted(Date.ISO8601FormatStyle()),
      Caller.displayName(ofARN: record.caller), record.operation,
      record.keyID.isEmpty ? "-" : record.keyID,
    ]
    if record.keyVersion > 0 { words.append("version \(record.keyVersion)") }
    words += record.encryptionContext.pairs.map { "\($0.key)=\($0.value)" }
    if let id = record.messageID { words.append("message \(id)") }
    words.append(record.errorCode.isEmpty ? "ok" : record.errorCode)
    if !record.errorMessage.isEmpty { words.append("(\(record.errorMessage))") }
    return words.map(Text.printable).joined(separator: "  ")
  }

  /// Returns the operation's name as the log has it. Throws `Failure` for a name that no record has.
  private static func operationName(_ text: String) throws -> String {
    if let name = AuditOperations.name(of: text) { return name }
    throw Failure(
      .usage,
      "the audit log has no operation '\(Text.printable(text))'"
        + Text.suggestion(AuditOperations.nearest(to: text)),
      hint: "it has the operations that use or change a key, for example --operation Decrypt")
  }

  private static func beginningOfID(_ text: String) throws -> String {
    let digits = text.lowercased()
    guard digits.count >= 8, digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
      throw Failure(
        .usage, "'\(Text.printable(text))' is not the ID of a message",
        hint: "envcrypt inspect FILE shows it; at least 8 hexadecimal digits are needed")
    }
    return digits
  }

  private static func date(_ text: String) throws -> Date {
    guard let date = APICoding.date(from: text) else {
      throw Failure(
        .usage, "'\(Text.printable(text))' is not a date",
        hint: "write 2026-11-24, or 2026-11-24T10:00:00Z")
    }
    return date
  }
}

/// A record in the format of CloudTrail.
struct AuditEvent: Encodable {
  /// A user, or the keystore itself for its own actions.
  struct Identity: Encodable {
    let type: String
    let arn: String?
    let userName: String?
    let invokedBy: String?

    init(_ record: AuditRecord) {
      let isService = record.isServiceEvent
      type = isService ? "AWSService" : "IAMUser"
      arn = isService ? nil : record.caller
      userName =
        isService
        ? nil : record.caller.split(separator: "/").last.map(String.init) ?? record.caller
      invokedBy = isService ? record.caller : nil
    }
  }
  /// An encryption context, or the parameters of an operation on the store.
  struct Parameters: Encodable {
    private let record: AuditRecord

    init?(_ record: AuditRecord) {
      guard !record.encryptionContext.isEmpty else { return nil }
      self.record = record
    }

    private enum Name: String, CodingKey { case encryptionContext }

    func encode(to encoder: any Encoder) throws {
      guard StoreOperation(rawValue: record.operation) == nil else {
        return try record.encryptionContext.encode(to: encoder)
      }
      var container = encoder.container(keyedBy: Name.self)
      try container.encode(record.encryptionContext, forKey: .encryptionContext)
    }
  }
  /// The member for what CloudTrail has no other place for.
  struct AdditionalData: Encodable {
    /// The message ID in hexadecimal, as `inspect` shows it.
    let messageId: String
  }
  struct Resource: Encodable {
    let arn: String
    let type = "AWS::KMS::Key"
    let keyVersion: UInt32?

    enum CodingKeys: String, CodingKey {
      case arn = "ARN"
      case type, keyVersion
    }
  }

  let eventID: String
  let eventTime: Date
  let eventSource = "kms.amazonaws.com"
  let eventName: String
  let eventType: String
  let userIdentity: Identity
  let requestID: String
  let requestParameters: Parameters?
  let additionalEventData: AdditionalData?
  let resources: [Resource]
  let errorCode: String?
  let errorMessage: String?

  init(_ sequence: UInt64, _ record: AuditRecord) {
    eventID = "\(sequence)"
    eventTime = record.date
    eventName = record.operation
    eventType = record.isServiceEvent ? "AwsServiceEvent" : "AwsApiCall"
    userIdentity = Identity(record)
    requestID = record.requestIDText
    requestParameters = Parameters(record)
    additionalEventData = record.messageID.map(AdditionalData.init)
    resources =
      record.keyID.isEmpty
      ? []
      : [
        Resource(
          arn: "arn:aws:kms:local:000000000000:key/\(record.keyID)",
          keyVersion: record.keyVersion == 0 ? nil : record.keyVersion)
      ]
    errorCode = record.errorCode.isEmpty ? nil : record.errorCode
    errorMessage = record.errorMessage.isEmpty ? nil : record.errorMessage
  }
}

struct KeystoreCheckCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Verify every record of the keystore, and its audit log.",
    discussion: """
      Lists each record that was edited or damaged, that is older than the latest that envcrypt \
      wrote, or that is missing; the exit status is then 78. It cannot detect that the whole \
      keystore was replaced by an older copy. It also removes and lists hidden files that a killed \
      envcrypt left beside the keystore.

      If records are older or missing, what depends on them cannot be used. Restore a backup. If \
      there is none and you know the cause, use --accept to accept the records that are there as \
      the latest ones; it needs a protector that the keystore still has. Edited records stay \
      refused.

      Keys whose waiting period is over, and imported material that has expired, count as deleted. \
      The first command that runs at least a day after they were found due destroys them, so that \
      a wrong clock destroys nothing. --destroy-due destroys them now. On a terminal, you are \
      asked for confirmation.

      With --json, the report is on standard output, also if something is wrong.

      Examples:
        envcrypt keystore check
        envcrypt keystore check --json | jq -r '.Damage[]'
      """)

  @Flag(
    help: "Accept the records that are there as the latest ones. The audit log records this.")
  var accept = false

  @Flag(help: "Destroy now what is past its date. Only the keystore's owner may do this.")
  var destroyDue = false

  @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
  var yes = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    var isReported = false
    do {
      try keystore.withService { try run($0, &isReported) }
    } catch let error as FileRuleError {
      // Standard output may be a file of the keystore, which a report would damage.
      throw error
    } catch  where json && !isReported {
      let failure = Failure(error)
      try keystore.console().json(KeystoreCheckReport(failure, option: keystore.keystore))
      throw failure
    }
  }

  private func run(_ service: KeyService, _ isReported: inout Bool) throws {
    let path = service.keystore.path
    let console = keystore.console()
    var accepted: [KeystoreDamage] = []
    if accept {
      accepted = try service.acceptRecords()
      for damage in accepted {
        switch damage {
        case .strayProtector(let id):
          console.note("removed: protector \(Text.printable(id)), which was put back")
        case .stray(let record):
          console.note("removed: \(Text.printable(record)), which belonged to nothing")
        default: console.note("accepted: \(damage.text)")
        }
      }
    }
    if destroyDue { try destroyDue(service, console) }
    let check = try service.check()
    let removed = HiddenFile.removeLeftovers(in: path.removingLastComponent()).map(Text.printable)
    for name in removed { console.note("removed what a killed process left: \(name)") }
    for damage in check.damage { console.error(damage.text, hint: nil) }
    if json {
      let due = check.damage.isEmpty ? try service.dueDestructions().items : []
      try console.json(
        KeystoreCheckReport(
          check, accepted: accepted, removedFiles: removed, due: due.map(DueReport.init)))
      isReported = true
    }
    let counted = [
      Text.count(check.keys, "key"), Text.count(check.versions, "version"),
      check.aliases == 1 ? "1 alias" : "\(check.aliases) aliases", Text.count(check.tags, "tag"),
      Text.count(check.grants, "grant"),
      Text.count(check.stacks, "stack"),
      Text.count(check.auditRecords, "audit record"),
    ].joined(separator: ", ")
    guard check.damage.isEmpty else { throw ExitCode(ExitStatus.configuration.rawValue) }
    if json { return }
    console.output("\(counted): all as envcrypt wrote them")
    if let summary = try service.dueDestructions().summary { console.output(summary) }
  }

  private func destroyDue(_ service: KeyService, _ console: Console) throws {
    let due = try service.dueDestructions()
    for item in due.items { console.note("due since \(Text.day(item.dueDate)): \(item.text)") }
    if due.items.isEmpty {
      console.note("nothing is due to be destroyed")
    } else if !yes,
      try !Terminal.confirms(
        "What is encrypted under \(due.items.count == 1 ? "it" : "them") cannot be decrypted "
          + "afterwards. Destroy now? [y/N] ")
    {
      throw Failure(.noPermission, "nothing was destroyed: not confirmed")
    }
    for item in try service.destroy(due) { console.note("destroyed: \(item.text)") }
  }
}

extension KeystoreDamage {
  var text: String {
    switch self {
    case .edited(let record): "\(Text.printable(record)) was edited or damaged"
    case .outdated(let record):
      "\(Text.printable(record)) is not the latest that envcrypt wrote: an older one was put back"
    case .uncertain(let record):
      "\(Text.printable(record)) may be an older one: the part of the ledger that would show it is "
        + "damaged"
    case .strayProtector(let id):
      "protector \(Text.printable(id)) was removed from the keystore, but it was put back"
    case .stray(let record):
      "\(Text.printable(record)) belongs to nothing in the keystore: it was added or left over"
    case .missing(let record): "\(Text.printable(record)) is missing"
    case .structure(let what): "SQLite finds the file damaged: \(Text.printable(what))"
    case .audit(let damage): damage.text
    }
  }
}

extension AuditFileFault {
  var text: String {
    switch self {
    case .owner(let user): "belongs to user \(user), not to the keystore's owner"
    case .writable(let permissions):
      "has mode \(String(permissions, radix: 8)): users who may not write to the keystore may "
        + "write to it"
    case .severalNames: "has several names (hard links)"
    }
  }
}

extension AuditDamage {
  var text: String {
    switch self {
    case .head: "the head of the audit log was edited or damaged, so nothing in the log is verified"
    case .missing(let range) where range.count == 1: "audit record \(range.lowerBound) is missing"
    case .missing(let range):
      "audit records \(range.lowerBound) to \(range.upperBound) are missing"
    case .altered(let sequence): "audit record \(sequence) was edited, moved or damaged"
    case .unreadable(let sequence):
      sequence == 0
        ? "the audit log has no readable record"
        : "the data after audit record \(sequence) is not a record: it is cut off or damaged"
    }
  }
}
