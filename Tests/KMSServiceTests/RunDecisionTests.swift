import Foundation
import GRDB
import Synchronization
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// A run over many files looks a key up once. After a change that affects the decision, the run
/// uses the key for no further file.
@Suite struct RunDecisionTests {
  let keystore: TestKeystore
  /// Another process that uses the same keystore.
  let owner: KeyService
  let key: String
  static let user = "arn:aws:iam::000000000000:user/user"

  init() throws {
    keystore = try TestKeystore()
    owner = try keystore.reopened()
    key = try owner.createKey(alias: "alias/a").keyID
  }

  /// Opens the keystore as the process that performs the run.
  func service() throws -> KeyService {
    try keystore.service(of: "user")
  }

  static let wide = """
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
    """
  static let narrow = """
    {"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
      "Action": "kms:*", "Resource": "*"}}
    """

  static func wide(if condition: String, _ name: String, _ value: String) -> String {
    """
    {"Statement": [
      {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
       "Action": "kms:*", "Resource": "*"},
      {"Effect": "Allow", "Principal": {"AWS": "\\(user)"}, "Action": "kms:*", "Resource": "*",
       "Condition": {"\(condition)": {"\(name)": "\(value)"}}}]}
    """.replacing("\\(user)", with: user)
  }

  /// A policy that allows the user to use the key, a change that ends that, and the error that the
  /// user then gets.
  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let error: String
    let policy: String
    let prepare: @Sendable (RunDecisionTests) throws -> Void
    let change: @Sendable (RunDecisionTests) throws -> Void
    /// Reverts the change; nil if that is not possible.
    var undo: (@Sendable (RunDecisionTests) throws -> Void)?

    init(
      _ name: String, _ error: String, policy: String = RunDecisionTests.wide,
      prepare: @escaping @Sendable (RunDecisionTests) throws -> Void = { _ in },
      change: @escaping @Sendable (RunDecisionTests) throws -> Void,
      undo: (@Sendable (RunDecisionTests) throws -> Void)? = nil
    ) {
      testDescription = name
      self.error = error
      self.policy = policy
      self.prepare = prepare
      self.change = change
      self.undo = undo
    }
  }

  static let changes: [Change] = [
    Change(
      "disabled", "DisabledException",
      change: { try $0.owner.perform(DisableKeyRequest(keyID: $0.key)) },
      undo: { try $0.owner.perform(EnableKeyRequest(keyID: $0.key)) }),
    Change(
      "to be deleted", "KMSInvalidStateException",
      change: { try $0.owner.perform(ScheduleKeyDeletionRequest(keyID: $0.key)) },
      undo: {
        try $0.owner.perform(CancelKeyDeletionRequest(keyID: $0.key))
        try $0.owner.perform(EnableKeyRequest(keyID: $0.key))
      }),
    Change(
      "another policy", "AccessDeniedException",
      change: { try $0.owner.perform(PutKeyPolicyRequest(keyID: $0.key, policy: narrow)) },
      undo: { try $0.owner.perform(PutKeyPolicyRequest(keyID: $0.key, policy: wide)) }),
    Change(
      "the default policy", "AccessDeniedException",
      change: { try $0.owner.resetKeyPolicy($0.key) }),
    Change(
      "a grant revoked", "AccessDeniedException", policy: narrow,
      prepare: {
        try $0.owner.perform(
          CreateGrantRequest(
            keyID: $0.key, granteePrincipal: user, operations: [.decrypt, .generateDataKey]))
      },
      change: { test in
        let grant = try test.owner.performAll(ListGrantsRequest(keyID: test.key)).grants[0]
        try test.owner.perform(RevokeGrantRequest(keyID: test.key, grantID: grant.grantID))
      }),
    Change(
      "a tag that a condition reads", "AccessDeniedException",
      policy: wide(if: "StringEquals", "aws:ResourceTag/use", "yes"),
      prepare: {
        try $0.owner.perform(
          TagResourceRequest(keyID: $0.key, tags: [Tag(tagKey: "use", tagValue: "yes")]))
      },
      change: { try $0.owner.perform(UntagResourceRequest(keyID: $0.key, tagKeys: ["use"])) }),
    Change(
      "an alias that a condition reads", "AccessDeniedException",
      policy: wide(if: "ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/use"),
      prepare: { try $0.owner.createAlias("alias/use", target: $0.key) },
      change: { try $0.owner.deleteAlias("alias/use") }),
    Change(
      "a date of the policy", "AccessDeniedException",
      policy: wide(if: "DateLessThan", "aws:CurrentTime", "2023-11-15T00:00:00Z"),
      change: { $0.keystore.clock.advance(days: 1) }),
  ]

  /// Returns the name of the error that `body` throws, or an empty string.
  static func refusal(_ body: () throws -> Void) throws -> String {
    do {
      try body()
      return ""
    } catch let error as KeyServiceError {
      return error.name
    }
  }

  @Test(arguments: changes) func noFurtherFileIsDecrypted(row: Change) throws {
    try row.prepare(self)
    try owner.perform(PutKeyPolicyRequest(keyID: key, policy: row.policy))
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
    let service = try service()
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    let open = { _ = try TestWrapping.unwrap(keyring, wrapped) }
    for _ in 0..<3 { #expect(try Self.refusal(open) == "") }
    try row.change(self)
    for _ in 0..<2 { #expect(try Self.refusal(open) == row.error) }
    // Each file is recorded, whether it was read or refused.
    var results: [String] = []
    try service.readAuditLog { if $1.caller == Self.user { results.append($1.errorCode) } }
    #expect(results == ["", "", "", row.error, row.error])
    guard let undo = row.undo else { return }
    try undo(self)
    #expect(try Self.refusal(open) == "")
  }

  @Test(arguments: changes) func noFurtherFileIsEncrypted(row: Change) throws {
    try row.prepare(self)
    try owner.perform(PutKeyPolicyRequest(keyID: key, policy: row.policy))
    let keyring = try service().wrappingKeyring(key)
    let seal = { _ = try TestWrapping.wrap(keyring) }
    for _ in 0..<3 { #expect(try Self.refusal(seal) == "") }
    let name = try #require(keyring.wrappingKey)
    try row.change(self)
    for _ in 0..<2 { #expect(try Self.refusal(seal) == row.error) }
    // Files that are already under the key still count as such.
    #expect(keyring.wrappingKey == name)
    guard let undo = row.undo else { return }
    try undo(self)
    #expect(try Self.refusal(seal) == "")
  }

  /// Returns the header of a message under the key.
  private func header(under key: String) throws -> MessageHeader {
    let message = try MemoryMessage.encrypt("text", under: [try owner.wrappingKeyring(key)])
    return try MemoryMessage.open(
      message, with: [KeystoreKeyring(owner, unwrappingUnder: nil)]
    ).header
  }

  private static func keptKeys(_ service: KeyService) -> KeptKeys {
    let keystore = KeystoreKeyring(service, unwrappingUnder: nil)
    return KeptKeys(keyrings: [], keystore: { keystore })
  }

  /// Returns the same for a run that keeps each message under its own keys.
  private static func keptRefusal(_ body: () throws -> Void) throws -> String {
    do {
      return try refusal(body)
    } catch let error as KeysNotKeptError {
      guard case .refused(let reason as KeyServiceError)? = error.lost.first?.obstacle else {
        throw error
      }
      return reason.name
    }
  }

  /// A run that keeps messages under their own keys decides for each message, too. That holds for a
  /// message that waits for its input as well.
  @Test(arguments: changes) func noFurtherFileStaysUnderItsKey(row: Change) throws {
    try row.prepare(self)
    try owner.perform(PutKeyPolicyRequest(keyID: key, policy: row.policy))
    let header = try header(under: key)
    let service = try service()
    let keys = Self.keptKeys(service)
    let seal = {
      for keyring in try keys.keyrings(of: header) { _ = try TestWrapping.wrap(keyring) }
    }
    for _ in 0..<3 { #expect(try Self.keptRefusal(seal) == "") }
    let waiting = try #require(try keys.keyrings(of: header).first)
    let sealWaiting = { _ = try TestWrapping.wrap(waiting) }
    try row.change(self)
    #expect(try Self.keptRefusal(sealWaiting) == row.error)
    for _ in 0..<2 { #expect(try Self.keptRefusal(seal) == row.error) }
    // Files that are already under the key still count as such.
    #expect(try keys.names(of: header) == [header.encryptedDataKeys[0].wrappingKey])
    guard let undo = row.undo else { return }
    try undo(self)
    #expect(try Self.keptRefusal(seal) == "")
    #expect(try Self.keptRefusal(sealWaiting) == "")
  }

  /// After a rotation, on demand or automatic, the next message moves to the new version.
  @Test func theNextKeptFileIsUnderTheCurrentVersion() throws {
    let header = try header(under: key)
    let keys = Self.keptKeys(try keystore.reopened())
    let seal = { version(try TestWrapping.wrap(try keys.keyrings(of: header)[0])) }
    let waiting = try keys.keyrings(of: header)[0]
    #expect(try seal() == "1")
    try owner.perform(RotateKeyOnDemandRequest(keyID: key))
    #expect(version(try TestWrapping.wrap(waiting)) == "2")
    #expect(try seal() == "2")
    #expect(try keys.names(of: header).map(\.keyName) == ["\(key)/2"])
    try owner.perform(EnableKeyRotationRequest(keyID: key, rotationPeriodInDays: 90))
    keystore.clock.advance(days: 89)
    #expect(try seal() == "2")
    keystore.clock.advance(days: 1)
    #expect(try seal() == "3")
  }

  /// Imported material expires during a run, and a clock that was ahead of time is set back.
  @Test func aKeptKeyEndsWithItsMaterial() throws {
    let external = try owner.createKey(origin: .external).keyID
    try owner.importMaterial(
      patternBytes(32), into: external, validTo: keystore.clock.now + 86_400)
    let header = try header(under: external)
    let keys = Self.keptKeys(try keystore.reopened())
    let seal = { _ = try TestWrapping.wrap(try keys.keyrings(of: header)[0]) }
    keystore.clock.advance(days: 0.99)
    #expect(try Self.keptRefusal(seal) == "")
    keystore.clock.advance(days: 0.01)
    #expect(try Self.keptRefusal(seal) == "KMSInvalidStateException")
    keystore.clock.advance(days: -0.5)
    #expect(try Self.keptRefusal(seal) == "")
  }

  /// A key that is imported during the run is used for the next message.
  @Test func aKeptKeyThatIsImportedDuringTheRun() throws {
    let file = try KeyKind.aes.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    let header = try MemoryMessage.open(message, with: try file.keyrings()).header
    let keys = Self.keptKeys(try keystore.reopened())
    for _ in 0..<2 {
      let error = #expect(throws: KeysNotKeptError.self) { try keys.keyrings(of: header) }
      #expect(error?.lost.map(\.obstacle) == [.notAtHand])
    }
    _ = try owner.importKey(file)
    #expect(try keys.keyrings(of: header).count == 1)
  }

  /// Imported material expires during a run. No write announces it.
  @Test func materialThatExpiresIsNotUsedAfterItsDate() throws {
    let external = try owner.createKey(origin: .external).keyID
    try owner.importMaterial(
      patternBytes(32), into: external, validTo: keystore.clock.now + 86_400)
    let own = try keystore.reopened()
    let sealing = try own.wrappingKeyring(external)
    let wrapped = try TestWrapping.wrap(sealing)
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    keystore.clock.advance(days: 0.99)
    #expect(try Self.refusal { _ = try TestWrapping.wrap(sealing) } == "")
    #expect(try Self.refusal { _ = try TestWrapping.unwrap(opening, wrapped) } == "")
    keystore.clock.advance(days: 0.01)
    #expect(
      try Self.refusal { _ = try TestWrapping.wrap(sealing) } == "KMSInvalidStateException")
    #expect(
      try Self.refusal { _ = try TestWrapping.unwrap(opening, wrapped) }
        == "KMSInvalidStateException")
  }

  /// Imported material is deleted during a run.
  @Test func materialThatIsDeletedIsNotUsed() throws {
    let external = try owner.createKey(origin: .external).keyID
    try owner.importMaterial(patternBytes(32), into: external)
    let own = try keystore.reopened()
    let wrapped = try TestWrapping.wrap(try own.wrappingKeyring(external))
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    #expect(try Self.refusal { _ = try TestWrapping.unwrap(opening, wrapped) } == "")
    try owner.perform(DeleteImportedKeyMaterialRequest(keyID: external))
    #expect(
      try Self.refusal { _ = try TestWrapping.unwrap(opening, wrapped) }
        == "KMSInvalidStateException")
    try owner.importMaterial(patternBytes(32), into: external)
    #expect(try Self.refusal { _ = try TestWrapping.unwrap(opening, wrapped) } == "")
  }

  private func version(_ wrapped: EncryptedDataKey) -> String {
    String(wrapped.keyName.split(separator: "/").last ?? "")
  }

  /// After a rotation, on demand or automatic, the next file is under the new version, and old
  /// files still open.
  @Test func theNextFileIsUnderTheCurrentVersion() throws {
    let own = try keystore.reopened()
    let sealing = try own.wrappingKeyring("alias/a")
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    let first = try TestWrapping.wrap(sealing)
    try owner.perform(RotateKeyOnDemandRequest(keyID: key))
    #expect(sealing.wrappingKey?.keyName == "\(key)/2")
    let second = try TestWrapping.wrap(sealing)
    try owner.perform(EnableKeyRotationRequest(keyID: key, rotationPeriodInDays: 90))
    keystore.clock.advance(days: 89)
    let third = try TestWrapping.wrap(sealing)
    keystore.clock.advance(days: 1)
    let fourth = try TestWrapping.wrap(sealing)
    #expect([first, second, third, fourth].map(version) == ["1", "2", "2", "3"])
    for wrapped in [first, second, third, fourth] {
      #expect(try TestWrapping.unwrap(opening, wrapped) == patternBytes(32))
    }
  }

  /// An alias is resolved for each file, at the time when the file is processed.
  @Test func anAliasThatComesToStandForAnotherKey() throws {
    let other = try owner.createKey().keyID
    let own = try keystore.reopened()
    let sealing = try own.wrappingKeyring("alias/a")
    let opening = KeystoreKeyring(own, unwrappingUnder: ["alias/a"])
    let first = try TestWrapping.wrap(sealing)
    #expect(try TestWrapping.unwrap(opening, first) != nil)
    try owner.updateAlias("alias/a", target: other)
    let second = try TestWrapping.wrap(sealing)
    #expect(first.keyName == "\(key)/1" && second.keyName == "\(other)/1")
    #expect(try TestWrapping.unwrap(opening, first) == nil)
    #expect(try TestWrapping.unwrap(opening, second) != nil)
  }

  /// A record that somebody edited during the run is detected as it would be at the start.
  @Test func anEditIsNoticed() throws {
    let own = try keystore.reopened()
    let wrapped = try TestWrapping.wrap(try own.wrappingKeyring(key))
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(opening, wrapped) != nil)
    try DatabaseQueue(path: own.keystore.path.string).write {
      try $0.execute(sql: "UPDATE masterKey SET description = 'x'")
    }
    #expect(throws: KeystoreError.self) { try TestWrapping.unwrap(opening, wrapped) }
  }

  /// The work of several threads and the key's current state.
  private struct Work {
    /// The number of times that the key was disabled or enabled.
    var changes = 0
    var isDisabled = false
    var isOver = false
    var attempts = 0
    var successes = 0
    /// Successes that began after the key was disabled, and ended before it was enabled.
    var tooLate = 0
  }

  private final class Shared: Sendable {
    let work = Mutex(Work())

    var now: Work { work.withLock { $0 } }

    func change(isDisabled: Bool) {
      work.withLock {
        $0.isDisabled = isDisabled
        $0.changes += 1
      }
    }

    /// Waits until the threads have increased the counter `what` by `count`.
    func wait(for count: Int, of what: KeyPath<Work, Int>) {
      let goal = now[keyPath: what] + count
      while now[keyPath: what] < goal { sched_yield() }
    }
  }

  /// With several threads at work, none begins another file after the key is disabled.
  @Test func noThreadBeginsAnotherFile() throws {
    let own = try keystore.reopened()
    let sealing = try own.wrappingKeyring(key)
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    let wrapped = try TestWrapping.wrap(sealing)
    let shared = Shared()
    let threads = DispatchGroup()
    for number in 0..<4 {
      DispatchQueue.global().async(group: threads) {
        while true {
          let before = shared.now
          if before.isOver { return }
          let isDone =
            number % 2 == 0
            ? (try? TestWrapping.unwrap(opening, wrapped)) != nil
            : (try? TestWrapping.wrap(sealing)) != nil
          shared.work.withLock { work in
            work.attempts += 1
            guard isDone else { return }
            work.successes += 1
            if before.isDisabled, work.changes == before.changes { work.tooLate += 1 }
          }
        }
      }
    }
    defer {
      shared.work.withLock { $0.isOver = true }
      threads.wait()
    }
    for _ in 0..<20 {
      shared.wait(for: 8, of: \.successes)
      try owner.perform(DisableKeyRequest(keyID: key))
      shared.change(isDisabled: true)
      shared.wait(for: 8, of: \.attempts)
      shared.change(isDisabled: false)
      try owner.perform(EnableKeyRequest(keyID: key))
    }
    #expect(shared.now.tooLate == 0)
  }

  // MARK: Changes

  private func moment(of keystore: Keystore) throws -> KeystoreMoment {
    try keystore.view { view in
      _ = try view.masterKeys()
      return try KeystoreMoment(of: keystore, view)
    }
  }

  /// Readers and writes to the audit log do not cause another look-up of the key.
  @Test func whatOnlyReadsChangesNothing() throws {
    let own = try keystore.reopened()
    let moment = try moment(of: own.keystore)
    let blob = try owner.encrypt("x", under: key)
    _ = try owner.decrypt(blob)
    _ = try owner.check()
    #expect(try moment.isNow())
    // A backup notes itself in the keystore.
    try owner.keystore.backup(to: keystore.directory.path.appending("copy.db"))
    #expect(try !moment.isNow())
    try moment.requireInPlace()
  }

  @Test func everyWriteIsSeen() throws {
    let own = try keystore.reopened()
    for write in [
      { try owner.perform(UpdateKeyDescriptionRequest(keyID: key, description: "x")) },
      { try owner.perform(UpdateKeyDescriptionRequest(keyID: key, description: "y")) },
      // A write by the process itself.
      { try own.perform(UpdateKeyDescriptionRequest(keyID: key, description: "z")) },
    ] {
      let moment = try moment(of: own.keystore)
      #expect(try moment.isNow())
      _ = try write()
      #expect(try !moment.isNow())
    }
  }

  /// A write that is rolled back is not a change.
  @Test func aWriteThatIsTakenBackIsNone() throws {
    let own = try keystore.reopened()
    let moment = try moment(of: own.keystore)
    struct Undone: Error {}
    #expect(throws: Undone.self) {
      try owner.keystore.write { db in
        try db.execute(sql: "UPDATE masterKey SET description = 'x'")
        throw Undone()
      }
    }
    #expect(try moment.isNow())
  }

  /// Builds the rollback journal (SQLite's file format, "The Rollback Journal") of a write that
  /// changed `before` to `after`.
  private static func journal(_ before: [UInt8], _ after: [UInt8]) -> [UInt8] {
    let size = 4096
    func bytes(_ number: Int) -> [UInt8] {
      withUnsafeBytes(of: UInt32(number).bigEndian, Array.init)
    }
    let pages = (0..<before.count / size).map { before[$0 * size..<($0 + 1) * size] }
    let changed = pages.indices.filter { pages[$0] != after[$0 * size..<($0 + 1) * size] }
    var journal: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
    for field in [changed.count, 0, pages.count, 512, size] { journal += bytes(field) }
    journal += [UInt8](repeating: 0, count: 512 - journal.count)
    for index in changed {
      let page = Array(pages[index])
      let sum = stride(from: size - 200, to: 0, by: -200).reduce(0) { $0 + Int(page[$1]) }
      journal += bytes(index + 1) + page + bytes(sum)
    }
    return journal
  }

  /// If a process dies during a write, the write is rolled back, and the next write sets the change
  /// counter to the same value. The run still detects that write.
  @Test func aWriteAfterOneThatDiedIsSeen() throws {
    let path = owner.keystore.path
    let own = try keystore.reopened()
    let before = try contents(path)
    let database = try DatabaseQueue(path: path.string)
    try database.write { try $0.execute(sql: "UPDATE masterKey SET description = 'died'") }
    try database.close()
    try write(Self.journal(before, try contents(path)), to: FilePath(path.string + "-journal"))
    let moment = try moment(of: own.keystore)
    #expect(try contents(path) == before)
    #expect(try moment.isNow())
    try owner.perform(UpdateKeyDescriptionRequest(keyID: key, description: "alive"))
    #expect(try !moment.isNow())
  }

  /// If another file has the keystore's name, or if no file has it, the run does not continue with
  /// its open file.
  @Test(arguments: [true, false]) func anotherFileInItsPlaceEndsTheRun(isThere: Bool) throws {
    let path = owner.keystore.path
    let own = try keystore.reopened()
    let sealing = try own.wrappingKeyring(key)
    let opening = KeystoreKeyring(own, unwrappingUnder: nil)
    let wrapped = try TestWrapping.wrap(sealing)
    #expect(try TestWrapping.unwrap(opening, wrapped) != nil)
    let header = try header(under: key)
    let kept = Self.keptKeys(own)
    #expect(try kept.keyrings(of: header).count == 1)
    let copy = keystore.directory.path.appending("copy.db")
    try own.keystore.backup(to: copy)
    if isThere {
      #expect(rename(copy.string, path.string) == 0)
    } else {
      #expect(unlink(path.string) == 0)
    }
    keystore.clock.now += 0.01
    #expect(throws: KeystoreError.replaced(path)) { try TestWrapping.unwrap(opening, wrapped) }
    #expect(throws: KeystoreError.replaced(path)) { try TestWrapping.wrap(sealing) }
    // The next command uses the file that now has the name.
    #expect(throws: KeystoreError.replaced(path)) { try kept.keyrings(of: header) }
    guard isThere else { return }
    let next = KeystoreKeyring(try keystore.reopened(), unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(next, wrapped) != nil)
  }
}
