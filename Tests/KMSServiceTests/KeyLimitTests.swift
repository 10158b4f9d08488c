import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// The kinds of keys, and the limits on numbers and sizes.
@Suite final class KeyLimitTests: KeystoreSuite {
  @Test(arguments: KeySpec.supported)
  func everySpecHasItsUsages(spec: KeySpec) throws {
    for usage in KeyUsage.allCases where spec != .rsa3072 && spec != .rsa4096 {
      let request = CreateKeyRequest(keySpec: spec, keyUsage: usage)
      guard spec.keyUsages.contains(usage) else {
        #expect(name { try service.perform(request) } == "ValidationException")
        continue
      }
      let key = try service.perform(request).keyMetadata
      #expect(key.keySpec == spec && key.keyUsage == usage && key.keyManager == .customer)
      let algorithms = [
        key.encryptionAlgorithms?.count, key.signingAlgorithms?.count, key.macAlgorithms?.count,
        key.keyAgreementAlgorithms?.count,
      ]
      #expect(algorithms.compactMap { $0 }.count == 1, "\(usage)")
    }
    // The API requires a usage for all keys except symmetric encryption keys.
    let unnamed = CreateKeyRequest(keySpec: spec)
    if spec == .symmetricDefault {
      #expect(try service.perform(unnamed).keyMetadata.keyUsage == .encryptDecrypt)
    } else {
      #expect(name { try service.perform(unnamed) } == "ValidationException")
    }
  }

  @Test(arguments: [KeySpec.mlDSA44, .mlDSA65, .mlDSA87])
  func theVersionThatWouldIsNamed(spec: KeySpec) {
    let error = #expect(throws: KeyServiceError.self) {
      try service.perform(CreateKeyRequest(keySpec: spec, keyUsage: .signVerify))
    }
    guard case .unsupportedOperation(let text)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(text.contains("OpenSSL 3.5 or later") && text.contains(LibCrypto.version))
  }

  @Test func theOlderNameOfTheSpecHasTheOlderSpecs() throws {
    var request = CreateKeyRequest(keyUsage: .signVerify)
    request.customerMasterKeySpec = .eccNISTEdwards25519
    #expect(name { try service.perform(request) } == "ValidationException")
    request.customerMasterKeySpec = .eccNISTP256
    #expect(try service.perform(request).keyMetadata.keySpec == .eccNISTP256)
    request.keySpec = .eccNISTP256
    #expect(name { try service.perform(request) } == "ValidationException")
  }

  @Test func whatAKeystoreIsNotIsRefused() {
    let changes: [(inout CreateKeyRequest) -> Void] = [
      { $0.multiRegion = true }, { $0.customKeyStoreID = "cks-1" }, { $0.xksKeyID = "x" },
      { $0.origin = "AWS_CLOUDHSM" },
    ]
    for change in changes {
      var request = CreateKeyRequest()
      change(&request)
      #expect(name { try service.perform(request) } == "UnsupportedOperationException")
    }
    var unknown = CreateKeyRequest()
    unknown.origin = "MOON"
    #expect(name { try service.perform(unknown) } == "ValidationException")
  }

  @Test(arguments: [0, 8192, 8193])
  func descriptionsAreBounded(count: Int) throws {
    let text = String(repeating: "ä", count: count)
    let key = try service.createKey()
    guard count <= 8192 else {
      #expect(name { try service.createKey(description: text) } == "ValidationException")
      #expect(
        name {
          try service.perform(UpdateKeyDescriptionRequest(keyID: key.keyID, description: text))
        } == "ValidationException")
      return
    }
    try service.perform(UpdateKeyDescriptionRequest(keyID: key.keyID, description: text))
    #expect(try service.describe(key.keyID).description == text)
    #expect(try service.createKey(description: text).description == text)
  }

  @Test func fiftyAliasesAKey() throws {
    let key = try service.createKey()
    for number in 1...50 { try service.createAlias("alias/\(number)", target: key.keyID) }
    #expect(
      throws: KeyServiceError.limitExceeded("a key has at most 50 aliases")
    ) { try service.createAlias("alias/51", target: key.keyID) }
    let other = try service.createKey(alias: "alias/other")
    #expect(
      name { try service.updateAlias("alias/other", target: key.keyID) }
        == "LimitExceededException")
    // An alias that the key already has can still be updated.
    try service.updateAlias("alias/1", target: key.keyID)
    try service.updateAlias("alias/1", target: other.keyID)
    try service.updateAlias("alias/other", target: key.keyID)
  }

  @Test func anAliasStaysWithItsKindOfKey() throws {
    try service.createKey(alias: "alias/a")
    for (spec, usage) in [
      (KeySpec.rsa2048, KeyUsage.encryptDecrypt), (.hmac256, .generateVerifyMAC),
      (.eccNISTP256, .signVerify),
    ] {
      let other = try service.createKey(spec: spec, usage: usage)
      #expect(
        name { try service.updateAlias("alias/a", target: other.keyID) } == "ValidationException")
    }
    try service.createKey(spec: .rsa2048, alias: "alias/rsa")
    let ec = try service.createKey(spec: .eccNISTP256, usage: .keyAgreement)
    #expect(
      name { try service.updateAlias("alias/rsa", target: ec.keyID) } == "ValidationException")
    try service.updateAlias("alias/rsa", target: try service.createKey(spec: .rsa2048).keyID)
  }

  @Test func tagsAreBounded() throws {
    let key = try service.createKey().keyID
    func tag(_ tags: (String, String)...) throws {
      try service.perform(
        TagResourceRequest(
          keyID: key, tags: tags.map { Tag(tagKey: $0.0, tagValue: $0.1) }))
    }
    try tag((String(repeating: "k", count: 128), String(repeating: "v", count: 256)), ("e", ""))
    #expect(name { try tag(("", "v")) } == "ValidationException")
    #expect(name { try tag((String(repeating: "k", count: 129), "")) } == "ValidationException")
    #expect(name { try tag(("k", String(repeating: "v", count: 257))) } == "ValidationException")
    // Text that looks like one character may consist of many.
    #expect(
      name { try tag((String(repeating: "👨‍👩‍👧‍👦", count: 19), "v")) } == "ValidationException")
    #expect(name { try tag(("aws:k", "v")) } == "TagException")
    #expect(name { try tag(("k", "1"), ("k", "2")) } == "TagException")
    for number in 3...50 { try tag(("\(number)", "")) }
    #expect(name { try tag(("51", "")) } == "LimitExceededException")
    // A new value for an existing tag does not count as another tag.
    try tag(("e", "new"))
    let tags = try service.performAll(ListResourceTagsRequest(keyID: key)).tags
    #expect(tags.count == 50 && tags.contains(Tag(tagKey: "e", tagValue: "new")))
    try service.perform(UntagResourceRequest(keyID: key, tagKeys: ["e", "nobody"]))
    #expect(try service.performAll(ListResourceTagsRequest(keyID: key)).tags.count == 49)
    #expect(
      name {
        try service.perform(
          CreateKeyRequest(tags: (1...51).map { Tag(tagKey: "\($0)", tagValue: "") }))
      } == "LimitExceededException")
  }

  // MARK: Pages

  @Test(arguments: [1, 2, 3, 6, 7, 8, 1000])
  func pagesTogetherAreTheWhole(limit: Int) throws {
    let keys = try (0..<7).map { number in
      try service.createKey(alias: "alias/\(number)").keyID
    }
    var found: [String] = []
    var request = ListKeysRequest(limit: limit)
    while true {
      let page = try service.perform(request)
      #expect(page.keys.count <= limit)
      found += page.keys.map(\.keyID)
      #expect(page.truncated == (page.nextMarker != nil))
      guard let marker = page.nextMarker else { break }
      request.marker = marker
    }
    #expect(found.count == 7 && Set(found) == Set(keys))

    var aliases: [String] = []
    var list = ListAliasesRequest(limit: limit)
    while true {
      let page = try service.perform(list)
      aliases += page.aliases.map(\.aliasName)
      guard let marker = page.nextMarker else { break }
      list.marker = marker
    }
    #expect(aliases == (0..<7).map { "alias/\($0)" })
  }

  /// Deleting a key between two pages does not skip another key.
  @Test func aPageGoesOnWhereItsLastKeyIsGone() throws {
    for _ in 0..<4 { try service.createKey() }
    let first = try service.perform(ListKeysRequest(limit: 2))
    try service.perform(
      ScheduleKeyDeletionRequest(keyID: first.keys[1].keyID, pendingWindowInDays: 7))
    keystore.clock.advance(days: 8)
    try service.createKey()
    let second = try service.perform(ListKeysRequest(limit: 10, marker: first.nextMarker))
    #expect(second.keys.count == 3)
  }

  @Test(arguments: [0, -1, 1001])
  func pageSizesAreBounded(limit: Int) {
    #expect(
      throws: KeyServiceError.validation("Limit must be 1 to 1000, not \(limit)")
    ) { try service.perform(ListKeysRequest(limit: limit)) }
  }

  @Test(arguments: ["", "?", "x", "AAAA", "YQ=="])
  func strangeMarkersAreRefused(marker: String) throws {
    try service.createKey()
    #expect(
      name { try service.perform(ListKeysRequest(marker: marker)) } == "InvalidMarkerException")
  }

  @Test(arguments: [
    "arn:", "arn:aws:kms", "arn:aws:kms:local:000000000000:", "arn:aws:kms:local:1:key/x",
    "arn:aws:s3:local:000000000000:key/x", "arn:aws:kms:local:000000000000:key/x",
    "arn:aws:kms:local:000000000000:something/x",
  ])
  func brokenARNsAreNamed(text: String) {
    #expect(throws: KeyServiceError.invalidARN(text)) { try service.describe(text) }
  }
}
