import ArgumentParser
import Envelope
import KMSAPI
import KMSPolicy
import KMSService

struct KMSCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kms",
    abstract: "Run operations of the KMS API, with the AWS CLI's options and JSON.",
    discussion: """
      To move a script from the AWS CLI, change 'aws kms' to 'envcrypt kms'. The options of each \
      operation, --cli-input-json, --cli-binary-format, file:// and fileb:// work as in the AWS \
      CLI. --keystore, --passphrase-file, --passphrase-fd and --key-file work as in other \
      commands. --query is not supported: use jq.

      Examples:
        envcrypt kms help                                   every operation
        envcrypt kms encrypt help                           the options of one
        envcrypt kms create-key --description backup
        envcrypt kms generate-data-key --key-id alias/x --key-spec AES_256
        envcrypt kms encrypt --key-id alias/x --plaintext fileb://secret \\
          | jq -r .CiphertextBlob
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("An operation, and its options.", valueName: "operation"))
  var arguments: [String] = []

  private static let helpWords: Set<String> = ["help", "--help", "-h"]

  func run() throws {
    var words = arguments[...]
    let helpIsFirst = Self.takeHelpWord(&words)
    guard let name = words.popFirst() else { return Console().output(Self.overview) }
    guard
      let operation = KeyServiceOperation.allCases.first(where: {
        APIName.command($0.rawValue) == name
      })
    else { throw Self.failure(forUnknown: name) }
    if helpIsFirst || Self.takeHelpWord(&words) {
      return Console().output(Self.help(operation.requestType))
    }
    try Self.run(operation.requestType, Array(words))
  }

  private static func takeHelpWord(_ words: inout ArraySlice<String>) -> Bool {
    guard let word = words.first, helpWords.contains(word) else { return false }
    words.removeFirst()
    return true
  }

  private static func help<Request: HandledRequest>(_ type: Request.Type) -> String {
    KMSOption.helpText(operation: Request.operation.rawValue, for: type)
  }

  private static func run<Request: HandledRequest>(
    _ type: Request.Type, _ arguments: [String]
  ) throws {
    let keystore: KeystoreOptions
    let request: Request
    let paginates: Bool
    do {
      var arguments = try KMSArguments(arguments)
      keystore = try KeystoreOptions(&arguments)
      request = try arguments.decode(type)
      paginates = !arguments.noPaginate
    } catch let error as KMSArgumentError {
      throw Failure(error, operation: APIName.command(Request.operation.rawValue))
    }
    do {
      try keystore.withService(takingKeyIDPrefixes: false) {
        try run(request, $0, paginates: paginates, on: keystore.console())
      }
    } catch let status as ExitCode {
      throw status
    } catch {
      var failure = Failure(error)
      failure.hint = failure.hint.map { PastedHint.text($0, option: keystore.keystore) }
      throw failure
    }
  }

  private static func run<Request: HandledRequest>(
    _ request: Request, _ service: KeyService, paginates: Bool, on console: Console
  ) throws {
    let response = try request.response(from: service, allPages: paginates)
    if let policy = request.newKeyPolicy {
      PolicyFile.warn(of: try KeyPolicy(parsing: policy), on: console)
    }
    if Request.hasResponse { try console.json(response) }
  }

  private static var overview: String {
    let names = KeyServiceOperation.allCases.map { APIName.command($0.rawValue) }.sorted()
    return
      (["Usage: envcrypt kms OPERATION [option …]", "", "Operations:"]
      + names.map { "  \($0)" }
      + ["", "envcrypt kms OPERATION help shows its options."]).joined(separator: "\n")
  }

  private static func failure(forUnknown name: String) -> any Error {
    if let (operation, reason) = KeyServiceOperation.unsupported.first(where: {
      APIName.command($0.key) == name
    }) {
      return KeyServiceError.unsupportedOperation("\(operation): \(reason)")
    }
    let names = KeyServiceOperation.allCases.map { APIName.command($0.rawValue) }
    return Failure(
      .usage,
      "unknown operation '\(Text.printable(name))'"
        + Text.suggestion(NearestName.find(name, in: names)),
      hint: "envcrypt kms help lists them")
  }
}

extension KeystoreOptions {
  /// Takes the keystore's own options, which may be given together with the API's.
  fileprivate init(_ arguments: inout KMSArguments) throws {
    self.init()
    keystore = try arguments.take("keystore")
    passphraseFile = try arguments.take("passphrase-file")
    passphraseDescriptor = try arguments.take("passphrase-fd").map { text in
      guard let number = Int32(text) else {
        throw KMSArgumentError.malformed("passphrase-fd", "'\(text)' is not a number")
      }
      return number
    }
    keyFile = try arguments.take("key-file")
    try validate()
  }
}
