import Foundation
import GRDB
import Synchronization
import Testing

@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSPolicy
@testable import KMSService
@testable import TestSupport

/// A clock that is temporarily wrong destroys nothing.
@Suite final class WrongClockTests: KeystoreSuite {
  private final class Told: Sendable {
    let all = Mutex<[ClockSetBack]>([])
    var clocks: [ClockSetBack] { all.withLock { $0 } }
  }

  /// Opens the keystore for a new run, as every command does.
  private func run(_ told: Told = Told()) throws -> KeyService {
    var listener = KeyServiceListener()
    listener.clockWasSetBack = { clock in told.all.withLock { $0.append(clock) } }
    return try keystore.reopened(listener)
  }

  private func hasMaterial(_ keyID: String) throws -> Bool {
    try service.keystore.read {
      try KeyVersionRecord.first($0, where: "keyID = ? AND version = 1", [keyID])?.hasMaterial
    } ?? false
  }

  /// Creates a key 30 days before its deletion, and a ciphertext under it.
  private func pendingKey(alias: String? = nil) throws -> (id: String, blob: Blob) {
    let id = try service.createKey(alias: alias).keyID
    let blob = try service.encrypt("text", under: id)
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 30))
    return (id, blob)
  }

  private func expectBack(_ key: (id: String, blob: Blob)) throws {
    let service = try run()
    try service.perform(CancelKeyDeletionRequest(keyID: key.id))
    try service.perform(EnableKeyRequest(keyID: key.id))
    #expect(try service.decrypt(key.blob) == "text")
  }

  /// Returns the keys of the records that say that a wait began again.
  private func restarts() throws -> [String] {
    var keys: [String] = []
    try service.readAuditLog { _, record in
      guard record.operation == "RestartDeletionWait" else { return }
      #expect(record.isServiceEvent)
      keys.append(record.keyID)
    }
    return keys
  }

  // MARK: Keys that wait for their deletion

  @Test(arguments: [31.0, 40, 400, 20_000])
  func aClockAheadForOneCommandDestroysNothing(days: Double) throws {
    let key = try pendingKey(alias: "alias/a")
    let right = clock.now
    clock.advance(days: days)
    let wrong = clock.now
    try run().createKey()
    #expect(throws: KeyServiceError.notFound("alias/a")) { try run().describe("alias/a") }
    #expect(throws: KeyServiceError.notFound(key.id)) {
      try run().perform(CancelKeyDeletionRequest(keyID: key.id))
    }
    clock.now = right
    #expect(try run().describe("alias/a").keyState == .pendingDeletion)
    let told = Told()
    let service = try run(told)
    try service.createKey()
    try service.createKey()
    #expect(
      told.clocks == [ClockSetBack(keyID: key.id, foundDueDate: wrong, now: right)])
    #expect(try restarts() == [key.id])
    try expectBack(key)
  }

  /// A run warns only once, for any number of keys.
  @Test func severalKeysAreToldAtOnce() throws {
    let keys = try (0..<3).map { _ in try pendingKey() }
    let right = clock.now
    clock.advance(days: 31)
    try run().createKey()
    clock.now = right
    let told = Told()
    try run(told).createKey()
    #expect(told.clocks.map(\.otherKeys) == [2])
    #expect(keys.map(\.id).contains(told.clocks[0].keyID))
    for key in keys { try expectBack(key) }
  }

  /// The clock jumps ahead repeatedly, never for a whole day. Between the jumps it is correct, and
  /// commands that only use keys see the correct time.
  @Test(arguments: [true, false])
  func aClockThatJumpsDestroysNothing(isWriting: Bool) throws {
    let key = try pendingKey()
    let other = try service.createKey().keyID
    let blob = try service.encrypt("other", under: other)
    let right = clock.now
    for days in [40.0, 60, 90, 400] {
      clock.now = right + days * 86_400
      try run().createKey()
      #expect(try hasMaterial(key.id))
      clock.now = right
      let told = Told()
      let service = try run(told)
      if isWriting { try service.createKey() } else { _ = try service.decrypt(blob) }
      #expect(told.clocks.count == 1)
    }
    try expectBack(key)
  }

  /// The clock goes back, but to a date at which the key is still due. The waiting time starts
  /// again at that date.
  @Test func theWaitingStartsAgain() throws {
    let key = try pendingKey()
    let start = clock.now
    clock.now = start + 40 * 86_400
    try run().createKey()
    clock.now = start + 35 * 86_400
    let told = Told()
    try run(told).createKey()
    #expect(told.clocks.map(\.keyID) == [key.id])
    clock.now = start + 35.999 * 86_400
    try run(told).createKey()
    #expect(try hasMaterial(key.id))
    clock.now = start + 36 * 86_400
    try run(told).createKey()
    #expect(try !hasMaterial(key.id))
    #expect(told.clocks.count == 1)
  }

  /// A command reads the clock at its start and may write after a command that started later.
  @Test(arguments: [(0.0, false), (59, false), (61, true)])
  func aCommandThatTookLongIsNoClockThatWentBack(minutes: Double, isTold: Bool) throws {
    let key = try pendingKey()
    clock.advance(days: 31)
    try run().createKey()
    clock.now -= minutes * 60
    let told = Told()
    try run(told).createKey()
    #expect(told.clocks.isEmpty == !isTold)
    #expect(try hasMaterial(key.id))
  }

  /// Two commands, a day apart, have found the key due. The second one destroys it even if it only
  /// uses keys, provided that an earlier one recorded the first finding.
  @Test func whoOnlyUsesKeysDestroysTooAfterADay() throws {
    let key = try pendingKey()
    let other = try service.createKey().keyID
    clock.advance(days: 30)
    let blob = try service.encrypt("other", under: other)
    try run().createKey()
    clock.advance(days: 0.999)
    _ = try run().decrypt(blob)
    #expect(try hasMaterial(key.id))
    clock.advance(days: 0.001)
    _ = try run().decrypt(blob)
    #expect(try !hasMaterial(key.id))
    #expect(try service.keystore.read { try KeystoreRecord.all($0).first?.foundDueDate } == nil)
  }

  /// Keys that are waiting do not delay other due changes.
  @Test func whatWaitsKeepsNothingElseWaiting() throws {
    let keys = try (0..<3).map { _ in try pendingKey().id }
    clock.advance(days: 30)
    func apply() throws {
      var due = DueChanges(now: clock.now.milliseconds, limit: 2)
      try service.keystore.change(try service.unlock()) { try due.apply(in: $0) }
    }
    func noted() throws -> Int {
      try service.keystore.read {
        try MasterKeyRecord.all($0).filter { $0.foundDueDate != nil }.count
      }
    }
    try apply()
    #expect(try noted() == 2)
    let rotated = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: rotated))
    try apply()
    #expect(try noted() == 3)
    clock.advance(days: 1)
    try apply()
    try apply()
    #expect(try keys.filter(hasMaterial).isEmpty)
  }

  /// With an arbitrary clock, the key is destroyed by a command that runs at least a day after
  /// another command that found it due, if no command in between saw an earlier time than that one.
  /// It is not destroyed before, and not later if the first command wrote.
  @Test(arguments: 1...16 as ClosedRange<UInt64>)
  func whateverTheClockSays(seed: UInt64) throws {
    var numbers = SeededNumbers(state: seed)
    let other = try service.createKey().keyID
    let blob = try service.encrypt("other", under: other)
    let key = try pendingKey().id
    let start = clock.now
    let dueDay = 30.0
    /// The days since the start on which commands ran, and true for each command that writes.
    var seen: [(day: Double, isWriting: Bool)] = []
    var hasGone = false
    for _ in 0..<60 where !hasGone {
      // The day is within a few days of the due date, or anywhere.
      let isNear = Bool.random(using: &numbers)
      let day =
        Double(
          Int.random(in: isNear ? 4 * 28...4 * 33 : 0...4 * 60, using: &numbers)) / 4
      let isWriting = Bool.random(using: &numbers)
      clock.now = start + day * 86_400
      if isWriting { try run().createKey() } else { _ = try run().decrypt(blob) }
      let finders = seen.indices.filter { index in
        seen[index].day >= dueDay && seen[index].day <= day - 1
          && seen[index...].allSatisfy { $0.day >= seen[index].day }
      }
      hasGone = try !hasMaterial(key)
      if hasGone { #expect(!finders.isEmpty, "\(seen), then \(day)") }
      if finders.contains(where: { seen[$0].isWriting }) {
        #expect(hasGone, "\(seen), then \(day)")
      }
      seen.append((day, isWriting))
    }
  }

  @Test func anEditedNoteDestroysNothing() throws {
    let key = try pendingKey()
    clock.advance(days: 31)
    try service.createKey()
    try DatabaseQueue(path: service.keystore.path.string).write {
      try $0.execute(sql: "UPDATE masterKey SET foundDueDate = 1 WHERE foundDueDate IS NOT NULL")
    }
    try run().createKey()
    #expect(try hasMaterial(key.id))
    #expect(try run().check().damage == [.edited("key \(key.id)")])
  }

  /// If the clock is behind when a deletion is scheduled, the waiting period is not shorter, as far
  /// as the keystore can tell.
  @Test func aClockFromBeforeTheKeyMakesTheWaitNoShorter() throws {
    let key = try service.createKey()
    let right = clock.now
    clock.now = Date(timeIntervalSince1970: 1000)
    let response = try service.perform(
      ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: 7))
    #expect(response.deletionDate == right + 7 * 86_400)
    clock.now = right
    #expect(try service.describe(key.keyID).keyState == .pendingDeletion)
  }

  // MARK: Imported material

  @Test(arguments: [KeyState.enabled, .disabled])
  func expiredMaterialIsThereWhenTheClockIsRightAgain(state: KeyState) throws {
    let id = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: id, validTo: clock.now + 10 * 86_400)
    let blob = try service.encrypt("text", under: id)
    if state == .disabled { try service.perform(DisableKeyRequest(keyID: id)) }
    let right = clock.now
    clock.advance(days: 40)
    try run().createKey()
    // No operation in the meantime records the wrong time.
    try run().perform(TagResourceRequest(keyID: id, tags: [Tag(tagKey: "a", tagValue: "b")]))
    try run().perform(UpdateKeyDescriptionRequest(keyID: id, description: "d"))
    try run().perform(PutKeyPolicyRequest(keyID: id, policy: KeyPolicy.defaultPolicy.text))
    try run().resetKeyPolicy(id)
    #expect(try run().describe(id).keyState == .pendingImport)
    clock.now = right
    let told = Told()
    try run(told).createKey()
    #expect(told.clocks.map(\.keyID) == [id])
    #expect(try run().describe(id).keyState == state)
    if state == .disabled { try run().perform(EnableKeyRequest(keyID: id)) }
    #expect(try run().decrypt(blob) == "text")
  }

  /// A deletion cancelled while the clock is ahead leaves the key in the same state as a correct
  /// clock would.
  @Test func aCancelledDeletionBelievesNoClock() throws {
    let id = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: id, validTo: clock.now + 10 * 86_400)
    let blob = try service.encrypt("text", under: id)
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 30))
    let right = clock.now
    clock.advance(days: 20)
    try run().perform(CancelKeyDeletionRequest(keyID: id))
    #expect(try run().describe(id).keyState == .pendingImport)
    clock.now = right
    #expect(try run().describe(id).keyState == .disabled)
    try run().perform(EnableKeyRequest(keyID: id))
    #expect(try run().decrypt(blob) == "text")
  }

  /// The same material is imported again before it is destroyed. The note about the old copy does
  /// not count for the new one.
  @Test func materialThatIsImportedAgainWaitsAnew() throws {
    let id = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: id, validTo: clock.now + 86_400)
    let blob = try service.encrypt("text", under: id)
    try service.perform(DisableKeyRequest(keyID: id))
    clock.advance(days: 1)
    try run().createKey()
    try run().importMaterial(patternBytes(32), into: id, validTo: clock.now + 86_400)
    #expect(try run().describe(id).keyState == .enabled)
    clock.advance(days: 1)
    try run().createKey()
    #expect(try hasMaterial(id))
    #expect(try run().describe(id).keyState == .pendingImport)
    clock.advance(days: 1)
    try run().createKey()
    #expect(try !hasMaterial(id))
    try run().importMaterial(patternBytes(32), into: id)
    #expect(try run().decrypt(blob) == "text")
  }

  // MARK: Names of keys that are gone and not destroyed

  @Test func anAliasOfAGoneKeyIsFree() throws {
    let key = try pendingKey(alias: "alias/a")
    let right = clock.now
    clock.advance(days: 31)
    let new = try service.createKey(alias: "alias/a").keyID
    #expect(try service.describe("alias/a").keyID == new)
    clock.now = right
    #expect(try service.describe("alias/a").keyID == new)
    try expectBack(key)
    #expect(try run().check().damage.isEmpty)
  }

  @Test func anAliasOfAGoneKeyIsNotMoved() throws {
    _ = try pendingKey(alias: "alias/a")
    let other = try service.createKey().keyID
    clock.advance(days: 31)
    #expect(throws: KeyServiceError.notFound("alias/a")) {
      try service.updateAlias("alias/a", target: other)
    }
    #expect(throws: KeyServiceError.notFound("alias/a")) { try service.deleteAlias("alias/a") }
  }

  /// An escrow copy may be older than the key. It does not replace an existing key.
  @Test func anEscrowCopyReplacesNoKeyThatIsNotDestroyed() throws {
    let id = try service.createKey().keyID
    let escrow = try service.exportKey(id).file
    try service.perform(RotateKeyOnDemandRequest(keyID: id))
    let key = (id: id, blob: try service.encrypt("text", under: id))
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 30))
    let right = clock.now
    clock.advance(days: 31)
    #expect(throws: KeyServiceError.notYetDestroyed(keyID: id)) { try run().importKey(escrow) }
    clock.now = right
    try expectBack(key)
    clock.advance(days: 1)
    try service.perform(ScheduleKeyDeletionRequest(keyID: id, pendingWindowInDays: 7))
    clock.advance(days: 8)
    _ = try service.destroy(try service.dueDestructions())
    #expect(try service.importKey(escrow).keyID == id)
  }

  // MARK: The owner destroys at once

  @Test func theOwnerDestroysAtOnce() throws {
    let key = try pendingKey()
    let imported = try service.createKey(origin: .external).keyID
    try service.importMaterial(patternBytes(32), into: imported, validTo: clock.now + 86_400)
    #expect(try service.dueDestructions().items.isEmpty)
    clock.advance(days: 30)
    let found = clock.now
    try service.createKey()
    let due = try service.dueDestructions()
    #expect(
      due.items == [
        DueDestruction(
          keyID: imported, version: 1, dueDate: found - 29 * 86_400, foundDueDate: found),
        DueDestruction(keyID: key.id, version: nil, dueDate: found, foundDueDate: found),
      ])
    #expect(try service.destroy(due) == due.items)
    #expect(try !hasMaterial(key.id) && !hasMaterial(imported))
    #expect(try service.dueDestructions().items.isEmpty)
    #expect(try service.check().damage.isEmpty)
  }

  /// The clock may jump between the question and the answer. A key that the question did not name
  /// is kept.
  @Test func onlyWhatWasAskedAboutIsDestroyed() throws {
    let first = try pendingKey()
    clock.advance(days: 10)
    let second = try pendingKey()
    clock.advance(days: 20)
    let due = try service.dueDestructions()
    clock.advance(days: 100)
    #expect(try service.destroy(due).map(\.keyID) == [first.id])
    #expect(try hasMaterial(second.id))
  }

  @Test func nobodyElseDestroysAtOnce() throws {
    let key = try pendingKey()
    clock.advance(days: 31)
    let guest = try keystore.service(of: "guest")
    let error = #expect(throws: KeyServiceError.self) {
      try guest.destroy(try guest.dueDestructions())
    }
    #expect(error?.name == "AccessDeniedException")
    #expect(try hasMaterial(key.id))
  }

  // MARK: Rotation

  private func nextRotation(_ id: String) throws -> Date? {
    try service.perform(GetKeyRotationStatusRequest(keyID: id)).nextRotationDate
  }

  /// One command with a clock that is ahead does not end automatic rotation, whether it rotated the
  /// key, turned rotation on, or made the key. The next command that writes, or encrypts under the
  /// key, counts the period from now, and says so once.
  @Test(arguments: [true, false], [400.0, 4000])
  func aClockAheadEndsNoRotation(isWriting: Bool, days: Double) throws {
    let rotated = try service.createKey().keyID
    let enabled = try service.createKey().keyID
    let untouched = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: rotated, rotationPeriodInDays: 365))
    try service.perform(EnableKeyRotationRequest(keyID: untouched, rotationPeriodInDays: 2560))
    let right = clock.now
    let wrong = right + days * 86_400
    clock.now = wrong
    try run().perform(EnableKeyRotationRequest(keyID: enabled, rotationPeriodInDays: 90))
    let made = try run().createKey().keyID
    try run().perform(EnableKeyRotationRequest(keyID: made, rotationPeriodInDays: 90))
    clock.now = right + 86_400
    #expect(try nextRotation(rotated) == wrong + 365 * 86_400)
    let told = Told()
    let service = try run(told)
    if isWriting { try service.createKey() } else { _ = try service.encrypt("a", under: rotated) }
    #expect(try nextRotation(rotated) == right + 366 * 86_400)
    #expect(try nextRotation(enabled) == right + 91 * 86_400)
    #expect(try nextRotation(made) == right + 91 * 86_400)
    if days < 2560 { #expect(try nextRotation(untouched) == right + 2560 * 86_400) }
    #expect(told.clocks.count == 1)
    #expect(told.clocks.first?.foundDueDate == wrong)
    #expect(told.clocks.first.map { $0.nextRotationDate != nil } == true)
    try service.createKey()
    #expect(told.clocks.count == 1)
    #expect(try run().check().damage.isEmpty)
    let versions = try service.keyVersions(rotated).count
    clock.advance(days: 365)
    _ = try run().encrypt("a", under: rotated)
    #expect(try service.keyVersions(rotated).count == versions + 1)
  }

  /// A clock that is before the keystore's creation changes no date: the keys are not at fault.
  @Test func aClockBeforeTheKeystoreChangesNoRotation() throws {
    let id = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 365))
    let right = clock.now
    clock.now = Date(timeIntervalSince1970: 0)
    let told = Told()
    try run(told).createKey()
    _ = try run(told).encrypt("a", under: id)
    #expect(told.clocks.isEmpty)
    clock.now = right
    #expect(try nextRotation(id) == right + 365 * 86_400)
  }

  /// A date that somebody edited is not corrected: the record is refused.
  @Test func anEditedRotationDateIsNotMended() throws {
    let id = try service.createKey().keyID
    try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 365))
    try TestKeystore.byHand(service.keystore.path).write {
      try $0.execute(
        sql: "UPDATE masterKey SET nextRotationDate = 9000000000000000000, rotationPeriodInDays = 1"
      )
    }
    let told = Told()
    try run(told).createKey()
    #expect(told.clocks.isEmpty)
    #expect(throws: KeystoreError.self) { try run().encrypt("a", under: id) }
  }

  /// A clock that is ahead creates an extra version, which opens and wraps like any other. The next
  /// rotation date can be corrected.
  @Test func aClockAheadRotatesAndHarmsNothing() throws {
    let id = try service.createKey().keyID
    let blob = try service.encrypt("text", under: id)
    try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 90))
    let right = clock.now
    clock.advance(days: 10_000)
    try run().createKey()
    clock.now = right
    #expect(try service.keyVersions(id).count == 2)
    #expect(try service.decrypt(blob) == "text")
    func next() throws -> Date? {
      try service.perform(GetKeyRotationStatusRequest(keyID: id)).nextRotationDate
    }
    #expect(try next() == right + 10_090 * 86_400)
    try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 90))
    #expect(try next() == right + 90 * 86_400)
    _ = try service.encrypt("more", under: id)
    #expect(try next() == right + 90 * 86_400)
    clock.advance(days: 10)
    try service.perform(EnableKeyRotationRequest(keyID: id, rotationPeriodInDays: 90))
    #expect(try next() == right + 90 * 86_400)
  }
}
