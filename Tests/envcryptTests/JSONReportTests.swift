import ArgumentParser
import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport
@testable import envcrypt

/// A report in JSON: a line for each file in the order of the inputs, then the summary.
@Suite struct JSONReportTests {
  private final class Lines: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func add(_ text: RawSpan) {
      text.withUnsafeBytes { text in bytes.withLock { $0 += Array(text) } }
    }

    func objects() throws -> [[String: Any]] {
      let bytes = bytes.withLock { $0 }
      #expect(bytes.last == UInt8(ascii: "\n"))
      return try bytes.split(separator: UInt8(ascii: "\n")).map {
        try #require(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
      }
    }
  }

  private let lines = Lines()
  private let report: JSONReport
  private let log: OutcomeLog

  init() {
    let lines = lines
    report = JSONReport { lines.add($0) }
    log = OutcomeLog(console: Console(isQuiet: true), goesOn: true, report: .json(report))
  }

  /// Returns the status of the run, and the lines.
  private func finish(_ log: OutcomeLog? = nil) throws -> (Int32?, [[String: Any]]) {
    do {
      try (log ?? self.log).finish(passedOver: PassedOver(), alwaysSummarizing: false)
      return (nil, try lines.objects())
    } catch let status as ExitCode {
      return (status.rawValue, try lines.objects())
    }
  }

  private func summary(_ count: Int64) throws -> MessageSummary {
    let key = try RawAESKeyring(
      providerID: "p", keyName: "k", wrappingKey: WrappingKey(bytes: SecretBytes(patternBytes(32))))
    let sink = MemorySink()
    return try MessageEncryptor(keyrings: [key], encryptionContext: [:]).encrypt(
      from: MemorySource([UInt8](repeating: 0, count: Int(count))), to: sink)
  }

  @Test func linesAreInTheOrderOfTheInputs() throws {
    let message = try summary(5)
    log.add(2, "c", .failure(MessageError.truncated))
    log.add(1, "b", output: "b.envc", .success(.doneOfChanging(message)))
    log.add(0, "a", output: "a.envc", .success(.done(message)))
    let (status, lines) = try finish()
    #expect(status == 65)
    #expect(lines.map { $0["Kind"] as? String } == ["file", "file", "file", "summary"])
    #expect(lines.map { $0["Input"] as? String } == ["a", "b", "c", nil])
    #expect(lines.map { $0["Output"] as? String } == ["a.envc", "b.envc", nil, nil])
    #expect(lines.map { $0["Result"] as? String } == ["done", "changed", "failed", nil])
    let hexadecimal = Text.hexadecimal(message.header.messageID)
    #expect(lines.map { $0["MessageId"] as? String } == [hexadecimal, hexadecimal, nil, nil])
    let keys = try #require(lines[0]["EncryptedDataKeys"] as? [[String: String]])
    #expect(keys == [["ProviderId": "p", "KeyName": "k"]])
    #expect((lines[1]["Warning"] as? String)?.hasPrefix("b changed") == true)
    let error = try #require(lines[2]["Error"] as? [String: Any])
    #expect((error["Message"] as? String)?.hasPrefix("c: truncated") == true)
    #expect(error["Status"] as? Int == 65)
    #expect(error["Hint"] is String)
    let last = lines[3]
    #expect(last["Done"] as? Int == 1)
    #expect(last["Changed"] as? Int == 1)
    #expect(last["Failed"] as? Int == 1)
    #expect(last["Unchanged"] as? Int == 0)
    #expect(last["Skipped"] as? Int == 0)
    #expect(last["PlaintextSize"] as? Int == 10)
    #expect(last["ExitStatus"] as? Int == 65)
    #expect(last["Seconds"] is Double)
  }

  /// Every result has its count in the summary.
  @Test func everyResultIsCounted() throws {
    let (status, lines) = try finish()
    #expect(status == nil)
    for result in JobResult.allCases { #expect(lines[0][result.member] as? Int == 0) }
    #expect(lines[0]["ExitStatus"] as? Int == 0)
  }

  @Test(arguments: [
    [UInt8(0x61)], Array("ä \u{1B}[31m\"\\\n".utf8), [0xFF, 0x61], [0xC3],
    // A private-use character that stands for a byte in arguments is a character like others here.
    Array("\u{10FE41}".utf8),
  ])
  func everyNameComesBack(bytes: [UInt8]) throws {
    let name = FilePath(argument: ArgumentBytes.string(from: bytes))
    log.add(0, name, .success(.unchanged))
    let (_, lines) = try finish()
    let text = try #require(lines[0]["Input"] as? String)
    if let base64 = lines[0]["InputBytes"] as? String {
      #expect(Array(try #require(Data(base64Encoded: base64))) == bytes)
      #expect(String(validating: bytes, as: UTF8.self) == nil)
    } else {
      #expect(Array(text.utf8) == bytes)
    }
  }

  @Test func aKeystoreThatCannotBeUsedEndsTheReport() throws {
    let log = OutcomeLog(
      console: Console(isQuiet: true), goesOn: true,
      keystore: RunKeystore(
        obstacle: { MessageError.truncated }, isNeeded: true, finishRecords: { true }),
      report: .json(report))
    log.add(0, "a", .failure(MessageError.truncated))
    #expect(log.isAborted)
    let (status, lines) = try finish(log)
    #expect(status == 65)
    #expect(lines.map { $0["Kind"] as? String } == ["file", "summary"])
    #expect((lines[0]["Error"] as? [String: Any])?["Message"] as? String != nil)
  }

  @Test func aLossOfRecordsIsInTheSummary() throws {
    let log = OutcomeLog(
      console: Console(isQuiet: true), goesOn: true,
      keystore: RunKeystore(obstacle: { nil }, isNeeded: true, finishRecords: { false }),
      report: .json(report))
    log.add(0, "a", .success(.unchanged))
    let (status, lines) = try finish(log)
    #expect(status == nil)
    #expect(lines[1]["ExitStatus"] as? Int == 74)
    #expect((lines[1]["Error"] as? [String: Any])?["Status"] as? Int == 74)
  }

  /// If the run fails before its first file, the last line is a summary all the same.
  @Test func aRunThatCannotBeginHasASummary() throws {
    let failure = #expect(throws: Failure.self) {
      try JSONReport.completing(report) { throw Failure(.cannotCreate, "no", hint: "h") }
    }
    #expect(failure?.status == .cannotCreate)
    let lines = try lines.objects()
    #expect(lines.count == 1 && lines[0]["Kind"] as? String == "summary")
    #expect(lines[0]["ExitStatus"] as? Int == 73)
    #expect((lines[0]["Error"] as? [String: Any])?["Message"] as? String == "no")
  }

  @Test func theSummaryIsWrittenOnce() throws {
    #expect(throws: ExitCode.self) {
      try JSONReport.completing(report) {
        log.add(0, "a", .failure(MessageError.truncated))
        try log.finish(passedOver: PassedOver(), alwaysSummarizing: false)
      }
    }
    #expect(try lines.objects().count == 2)
  }

  @Test(arguments: [
    (Duration.milliseconds(0), "0.000"), (.milliseconds(7), "0.007"), (.milliseconds(45), "0.045"),
    (.milliseconds(999), "0.999"), (.seconds(1), "1.000"), (.milliseconds(61_230), "61.230"),
  ])
  func secondsHaveThreeDecimals(time: Duration, text: String) {
    #expect(JSONReport.seconds(time) == text)
  }
}
