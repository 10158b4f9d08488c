import Foundation
import Synchronization
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

@Suite struct WornVersionTests {
  private let store: TestKeystore

  init() throws { store = try TestKeystore() }

  /// Makes the log begin again after `sequence`: the anchor says that the log reached it, and the
  /// log's file is removed.
  private func setLog(to sequence: UInt64) throws {
    let unlocked = try store.service.unlock()
    let record = AuditAnchorRecord(
      sequence: Int64(sequence), code: Data(count: AuditEntry.codeLength))
    try store.service.keystore.write { try unlocked.save(record, $0) }
    try? FileManager.default.removeItem(
      atPath: AuditLog.path(beside: store.service.keystore.path).string)
  }

  private final class Told: Sendable {
    let versions = Mutex<[WornVersion]>([])
    var all: [WornVersion] { versions.withLock { $0 } }
  }

  private func service(_ told: Told) throws -> KeyService {
    var listener = KeyServiceListener()
    listener.versionIsWorn = { worn in told.versions.withLock { $0.append(worn) } }
    return try store.reopened(listener)
  }

  private func wrapOnce(_ service: KeyService, _ key: String) throws {
    _ = try TestWrapping.wrap(try service.wrappingKeyring(key))
  }

  @Test func aVersionIsToldWornFromTheBoundOn() throws {
    let key = try store.service.createKey()
    let since = try versions(key.keyID)[0].auditSequence ?? 0
    // The next record is the last one without a warning.
    try setLog(to: UInt64(since) + WornVersion.warning - 2)
    let told = Told()
    var service = try service(told)
    try wrapOnce(service, key.keyID)
    #expect(told.all.isEmpty)
    #expect(try service.wornVersions().isEmpty)
    service = try self.service(told)
    try wrapOnce(service, key.keyID)
    let worn = WornVersion(
      keyID: key.keyID, version: 1, mostUses: WornVersion.warning, isManaged: false)
    #expect(told.all == [worn])
    #expect(try service.wornVersions() == [worn])
    #expect(try service.keyVersions(key.keyID).map(\.worn) == [worn])
    // A run warns only once.
    try wrapOnce(service, key.keyID)
    #expect(told.all.count == 1)
    // Operations of the API count as uses too.
    let other = Told()
    _ = try self.service(other).encrypt("text", under: key.keyID)
    #expect(other.all.map(\.keyID) == [key.keyID])
  }

  @Test func rotationBeginsAnew() throws {
    let key = try store.service.createKey()
    try setLog(to: WornVersion.warning * 2)
    let told = Told()
    let service = try service(told)
    try wrapOnce(service, key.keyID)
    #expect(told.all.count == 1)
    try service.perform(RotateKeyOnDemandRequest(keyID: key.keyID))
    #expect(try service.wornVersions().isEmpty)
    let after = Told()
    try wrapOnce(try self.service(after), key.keyID)
    #expect(after.all.isEmpty)
    // A newly created key does not warn either, whatever number the log has reached.
    let fresh = try service.createKey()
    try wrapOnce(try self.service(after), fresh.keyID)
    #expect(after.all.isEmpty)
  }

  @Test func keyPairsDoNotWear() throws {
    let key = try store.service.createKey(spec: .rsa2048)
    try setLog(to: WornVersion.limit)
    let told = Told()
    try wrapOnce(try service(told), key.keyID)
    #expect(told.all.isEmpty)
    #expect(try store.reopened().wornVersions().isEmpty)
  }

  private func versions(_ keyID: String) throws -> [KeyVersionRecord] {
    try store.service.keystore.read {
      try KeyVersionRecord.all($0, where: "keyID = ? ORDER BY version", [keyID])
    }
  }
}

@Suite struct FrameLimitTests {
  @Test func theNumberOfFramesIsBounded() throws {
    for length: UInt32 in [1, 2, 65536] {
      let frameLength = try FrameLength(length)
      // 2^32 - 2 whole frames, and a final frame that is not full.
      let most = Int64(length) * (Int64(UInt32.max) - 1) + Int64(length) - 1
      #expect(frameLength.canHold(most))
      #expect(!frameLength.canHold(most + 1))
      #expect(!frameLength.canHold(.max))
    }
  }

  @Test func aSourceThatIsTooLargeIsNotBegun() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("sparse")
    try write([], to: path)
    #expect(truncate(path.string, off_t(UInt32.max) + 1) == 0)
    let encryptor = MessageEncryptor(
      keyrings: [try testKeyring()], encryptionContext: EncryptionContext(),
      frameLength: try FrameLength(1))
    let sink = MemorySink(discardsOnFailure: true)
    #expect(throws: MessageError.tooManyFrames) {
      try encryptor.encrypt(from: DescriptorSource(try .openInput(path)), to: sink)
    }
    #expect(sink.bytes.isEmpty)
  }

  /// The last sequence numbers: the sealer itself refuses to seal two frames with the same number.
  @Test func noFrameHasANumberThatIsNone() throws {
    let body = BodyKey(
      MessageKey(bytes: SecretBytes(patternBytes(32))), messageID: patternBytes(32))
    let sealer = try FrameSealer(body, frameLength: try FrameLength(1))
    func seal(_ frame: Int64, isFinal: Bool) throws {
      let count = isFinal ? 0 : 1
      let memory = BatchMemory()
      try memory.input.grow(to: 1, keeping: 0)
      let batch = ReadBatch(
        memory: memory, ticket: 0, firstFrame: frame, frameCount: count, rest: count..<count,
        countAfter: nil)
      if isFinal { _ = try sealer.sealFinal(of: batch) } else { _ = try sealer.apply(to: batch) }
    }
    try seal(Int64(UInt32.max) - 2, isFinal: false)
    #expect(throws: MessageError.tooManyFrames) {
      try seal(Int64(UInt32.max) - 1, isFinal: false)
    }
    try seal(Int64(UInt32.max) - 1, isFinal: true)
    #expect(throws: MessageError.tooManyFrames) { try seal(Int64(UInt32.max), isFinal: true) }
  }
}
