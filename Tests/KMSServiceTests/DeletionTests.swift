import Foundation
import GRDB
import Testing

@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Deletion of keys, with a clock that the test sets.
@Suite final class DeletionTests: KeystoreSuite {
  /// Returns the number of a key's rows in a table.
  func rows(_ table: String, _ column: String, of keyID: String) throws -> Int {
    try service.keystore.read {
      try Int.fetchOne(
        $0, sql: "SELECT count(*) FROM \(table) WHERE \(column) = ?", arguments: [keyID])!
    }
  }

  @Test(arguments: [nil, 7, 30])
  func aKeyIsGoneWhenThePeriodIsOver(days: Int?) throws {
    let key = try service.createKey(alias: "alias/a")
    try service.perform(
      TagResourceRequest(keyID: key.keyID, tags: [Tag(tagKey: "k", tagValue: "v")]))
    let blob = try service.encrypt("text", under: key.keyID)
    let response = try service.perform(
      ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: days))
    let window = Double(days ?? 30)
    #expect(response.deletionDate == clock.now + window * 86_400)
    #expect(response.keyState == .pendingDeletion && response.pendingWindowInDays == days ?? 30)
    #expect(try service.describe("alias/a").deletionDate == response.deletionDate)

    clock.advance(days: window - 0.001)
    try service.createKey()
    #expect(try service.describe(key.keyID).keyState == .pendingDeletion)
    // From the due time on the key does not exist for callers, although no command has written yet.
    clock.advance(days: 0.001)
    for name in [key.keyID, key.arn, "alias/a"] {
      #expect(throws: KeyServiceError.notFound(name)) { try service.describe(name) }
    }
    #expect(throws: KeyServiceError.notFound(key.keyID)) { try service.decrypt(blob) }
    #expect(try service.listKeys().count == 1)
    #expect(try service.listAliases().isEmpty)
    let counts = try service.counts()
    #expect(counts.keys == 1 && counts.aliases == 0)
    #expect(try rows("keyVersion", "keyID", of: key.keyID) == 1)
    // The next command that writes records that the key is due. A command one day later destroys
    // it.
    try service.createKey()
    clock.advance(days: 0.999)
    try service.createKey()
    #expect(try rows("keyVersion", "keyID", of: key.keyID) == 1)
    #expect(throws: KeyServiceError.notFound(key.keyID)) { try service.describe(key.keyID) }
    clock.advance(days: 0.001)
    try service.createKey()
    #expect(try rows("masterKey", "id", of: key.keyID) == 0)
    #expect(try rows("keyVersion", "keyID", of: key.keyID) == 0)
    #expect(try rows("alias", "targetKeyID", of: key.keyID) == 0)
    #expect(try rows("tag", "keyID", of: key.keyID) == 0)
  }

  /// A command that writes records and destroys what is due even if the command itself fails.
  @Test func aFailingCommandDestroysToo() throws {
    let key = try service.createKey()
    try service.perform(ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: 7))
    clock.advance(days: 6)
    for rows in [1, 0] {
      clock.advance(days: 1)
      #expect(throws: KeyServiceError.notFound(key.keyID)) {
        try service.perform(CancelKeyDeletionRequest(keyID: key.keyID))
      }
      #expect(try self.rows("masterKey", "id", of: key.keyID) == rows)
    }
  }

  /// No part of the wrapped material is left in the file.
  @Test func destroyedMaterialIsOverwritten() throws {
    let key = try service.createKey()
    let wrapped = try service.keystore.read {
      try KeyVersionRecord.first($0, where: "keyID = ?", [key.keyID])!.wrappedMaterial
    }
    let path = service.keystore.path
    #expect(Data(try contents(path)).range(of: wrapped) != nil)
    try service.perform(ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: 7))
    clock.advance(days: 7)
    try service.createKey()
    #expect(Data(try contents(path)).range(of: wrapped) != nil)
    clock.advance(days: 1)
    try service.createKey()
    #expect(Data(try contents(path)).range(of: wrapped) == nil)
    #expect(keystore.directory.names == ["keystore.db", "keystore.db-audit"])
  }

  @Test func cancelledDeletionLeavesTheKeyDisabled() throws {
    let key = try service.createKey()
    let blob = try service.encrypt("text", under: key.keyID)
    try service.perform(ScheduleKeyDeletionRequest(keyID: key.keyID))
    clock.advance(days: 29)
    try service.perform(CancelKeyDeletionRequest(keyID: key.keyID))
    let metadata = try service.describe(key.keyID)
    #expect(metadata.keyState == .disabled && metadata.deletionDate == nil)
    clock.advance(days: 100)
    try service.perform(EnableKeyRequest(keyID: key.keyID))
    #expect(try service.decrypt(blob) == "text")
  }

  @Test(arguments: [6, 31, 0, -1, Int.max])
  func periodsAreBounded(days: Int) throws {
    let key = try service.createKey()
    #expect(throws: KeyServiceError.validation("PendingWindowInDays must be 7 to 30, not \(days)"))
    {
      try service.perform(
        ScheduleKeyDeletionRequest(keyID: key.keyID, pendingWindowInDays: days))
    }
    #expect(try service.describe(key.keyID).keyState == .enabled)
  }

  /// An edited deletion date is detected and destroys nothing.
  @Test func anEditedDeletionDateDestroysNothing() throws {
    let key = try service.createKey(alias: "alias/a")
    let blob = try service.encrypt("text", under: key.keyID)
    try DatabaseQueue(path: service.keystore.path.string).write {
      try $0.execute(
        sql: "UPDATE masterKey SET deletionDate = 1, state = 'PendingDeletion' WHERE id = ?",
        arguments: [key.keyID])
    }
    try service.createKey()
    #expect(throws: KeystoreError.editedRecord("key \(key.keyID)")) { try service.decrypt(blob) }
    #expect(try rows("keyVersion", "keyID", of: key.keyID) == 1)
  }
}
