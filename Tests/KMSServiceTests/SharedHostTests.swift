import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Several threads that use one host, as in a service.
@Suite final class SharedHostTests: KeystoreSuite {
  /// Counts the records of the audit log by operation.
  func recordCounts() throws -> [String: Int] {
    var counts: [String: Int] = [:]
    try service.readAuditLog { counts[$1.operation, default: 0] += 1 }
    return counts
  }

  @Test func threadsReadAndWriteAtTheSameTime() throws {
    let service = service
    let keys = try (0..<3).map { _ in try service.createKey().keyID }
    try onThreads(6) { thread in
      let key = keys[thread % keys.count]
      for round in 0..<20 {
        let text = "\(thread) \(round)"
        let blob = try service.encrypt(text, under: key)
        try require(service.decrypt(blob) == text)
        try require(service.describe(key).keyID == key)
        if thread < keys.count, round % 4 == 0 {
          try service.createAlias("alias/\(thread)/\(round)", target: key)
          try require(service.describe("alias/\(thread)/\(round)").keyID == key)
        }
      }
    }
    #expect(try service.listAliases().count == 15)
    #expect(
      try recordCounts() == ["CreateKey": 3, "Encrypt": 120, "Decrypt": 120, "CreateAlias": 15])
    #expect(try service.check().damage == [])
  }

  /// Both tags are always set in one transaction.
  @Test func noThreadSeesHalfOfAChange() throws {
    let service = service
    let key = try service.createKey().keyID
    @Sendable func set(_ value: String) throws {
      try service.perform(
        TagResourceRequest(
          keyID: key, tags: ["a", "b"].map { Tag(tagKey: $0, tagValue: value) }))
    }
    try set("first")
    try onThreads(3) { thread in
      for round in 0..<20 {
        if thread == 0 {
          try set("\(round)")
        } else {
          let tags = try service.perform(ListResourceTagsRequest(keyID: key)).tags
          try require(tags.count == 2 && tags[0].tagValue == tags[1].tagValue)
        }
      }
    }
  }

  /// A disabled key is not used after the thread that disabled it has its answer.
  @Test func aChangeIsSeenByEveryThread() throws {
    let service = service
    let key = try service.createKey().keyID
    let blob = try service.encrypt("text", under: key)
    for _ in 0..<5 {
      try service.perform(DisableKeyRequest(keyID: key))
      try onThreads(3) { _ in
        for _ in 0..<5 { try require((try? service.decrypt(blob)) == nil) }
      }
      try service.perform(EnableKeyRequest(keyID: key))
      try onThreads(3) { _ in
        for _ in 0..<5 { try require(service.decrypt(blob) == "text") }
      }
    }
  }

  /// Closing a descriptor of a file releases all locks that a process has on the file, unless
  /// SQLite prevents it. Another process would then write while this one reads or writes.
  @Test func threadsWorkBesideAnotherProcess() throws {
    let service = service
    let key = try service.createKey().keyID
    let path = service.keystore.path.string
    let blob = try service.encrypt("text", under: key)
    try onThreads(4) { thread in
      for round in 0..<6 {
        switch thread {
        case 0:
          let result = try BuiltTool.run([
            "envcrypt", "alias", "create", "alias/other/\(round)", key, "--keystore", path,
          ])
          try require(result.status == 0, result.output)
        case 1: try service.createAlias("alias/own/\(round)", target: key)
        default:
          for _ in 0..<20 { try require(service.decrypt(blob) == "text") }
        }
      }
    }
    #expect(try service.listAliases().count == 12)
    #expect(try service.check().damage == [])
  }
}
