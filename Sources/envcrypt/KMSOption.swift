import Envelope
import Foundation
import KMSAPI

/// A member of a request, as an option of the command line. All facts about it come from the
/// decoding of the request.
struct KMSOption: Equatable {
  indirect enum Kind: Equatable {
    case string, integer, boolean, timestamp, blob
    case enumeration([String])
    case map
    case list(Kind)
    case structure([KMSOption])
  }

  let property: String
  let kind: Kind
  let isRequired: Bool

  /// "key-id"
  var name: String { APIName.option(property) }
  /// "KeyId"
  var member: String { APIName.member(property) }
  /// The names of the option on the command line.
  var names: [String] { kind == .boolean ? [name, "no-\(name)"] : [name] }

  /// Returns the options of a request, in the order of its members. Its decoding must be
  /// synthesized by the compiler.
  static func describe<Request: Decodable>(_ type: Request.Type) -> [KMSOption] {
    do {
      let recorder = Recorder()
      _ = try recorder.shape(type)
      return recorder.options
    } catch {
      preconditionFailure("\(type) cannot be described: \(error)")
    }
  }

  /// Returns the kind of the values of a type.
  static func kind<Value: Decodable>(of type: Value.Type) throws -> Kind {
    try example(type).kind
  }

  /// Returns the kind of a type, and a value of the type so that decoding can continue.
  private static func example<Value: Decodable>(
    _ type: Value.Type
  ) throws -> (kind: Kind, value: Value) {
    func known(_ kind: Kind, _ value: any Decodable) -> (Kind, Value) { (kind, value as! Value) }
    switch type {
    case is String.Type: return known(.string, "")
    case is Int.Type: return known(.integer, 0)
    case is Bool.Type: return known(.boolean, false)
    case is Date.Type: return known(.timestamp, Date(timeIntervalSince1970: 0))
    case is Blob.Type: return known(.blob, Blob([]))
    case is SecretBlob.Type: return known(.blob, SecretBlob(base64: "")!)
    case is EncryptionContext.Type: return known(.map, EncryptionContext())
    case let type as any APIEnumeration.Type:
      return known(.enumeration(type.supportedValues), type.first)
    case let type as any KMSList.Type: return known(.list(try type.elementKind()), type.empty)
    default:
      let recorder = Recorder()
      let value = try recorder.shape(type)
      return (.structure(recorder.options), value)
    }
  }

  private final class Recorder: KMSMembers {
    private(set) var options: [KMSOption] = []
    private var optional: Set<String> = []

    /// Synthesized decoding calls this only for optional members.
    func contains(_ property: String) -> Bool {
      optional.insert(property)
      return true
    }

    func value<Value: Decodable>(_ type: Value.Type, _ property: String) throws -> Value {
      let (kind, value) = try KMSOption.example(type)
      options.append(
        KMSOption(property: property, kind: kind, isRequired: !optional.contains(property)))
      return value
    }
  }
}

/// A list of any element type.
protocol KMSList: Decodable {
  associatedtype Element: Decodable
  init(elements: [Element])
}

extension Array: KMSList where Element: Decodable {
  init(elements: [Element]) { self = elements }
}

extension KMSList {
  fileprivate static var empty: Self { Self(elements: []) }
  fileprivate static func elementKind() throws -> KMSOption.Kind {
    try KMSOption.kind(of: Element.self)
  }
}

extension APIEnumeration {
  static var supportedValues: [String] { supported.map(\.rawValue) }
  fileprivate static var first: Self { allCases.first! }
}

// MARK: - Help

extension KMSOption {
  /// Returns the text that `envcrypt kms OPERATION help` prints.
  static func helpText<Request: Decodable>(
    operation: String, for type: Request.Type
  ) -> String {
    let options = describe(type)
    let required = options.filter(\.isRequired).map { " \($0.usage)" }.joined()
    let rest = options.contains { !$0.isRequired } ? " [option …]" : ""
    var lines = ["Usage: envcrypt kms \(APIName.command(operation))\(required)\(rest)", ""]
    for option in options {
      lines.append("  \(option.usage)\(option.isRequired ? "  (required)" : "")")
      lines += option.valueLines
    }
    lines.append("  --cli-input-json <json>")
    if options.contains(where: { $0.kind.hasBlob }) {
      let forms = APICoding.BlobForm.allCases.map(\.rawValue).joined(separator: " | ")
      lines.append("  --cli-binary-format <\(forms)>")
    }
    lines += ["", "file://PATH is replaced by the text of a file, fileb://PATH by its bytes."]
    return lines.joined(separator: "\n")
  }

  private var usage: String {
    switch kind {
    case .boolean: "--\(name) | --no-\(name)"
    case .list(let element): "--\(name) \(element.placeholder) …"
    default: "--\(name) \(kind.placeholder)"
    }
  }

  /// The values of an enumeration, in lines of at most 80 columns.
  private var valueLines: [String] {
    var lines: [String] = []
    for value in kind.allowedValues {
      if let last = lines.last, last.count + value.count < 78 {
        lines[lines.count - 1] = "\(last), \(value)"
      } else {
        if let last = lines.last { lines[lines.count - 1] = "\(last)," }
        lines.append("      \(value)")
      }
    }
    return lines
  }

  /// The values that can be chosen; empty if every value is allowed.
  var allowedValues: [String] { kind.allowedValues }
}

extension KMSOption.Kind {
  fileprivate var allowedValues: [String] {
    switch self {
    case .enumeration(let values): values
    case .list(let element): element.allowedValues
    default: []
    }
  }

  fileprivate var hasBlob: Bool {
    switch self {
    case .blob: true
    case .list(let element): element.hasBlob
    case .structure(let members): members.contains { $0.kind.hasBlob }
    default: false
    }
  }

  fileprivate var placeholder: String {
    switch self {
    case .string: "<string>"
    case .integer: "<integer>"
    case .boolean: "<boolean>"
    case .timestamp: "<timestamp>"
    case .blob: "<blob>"
    case .enumeration: "<value>"
    case .map: "<key=value,…>"
    case .list(let element): "[\(element.placeholder),…]"
    case .structure(let members):
      members.map { "\($0.member)=\($0.kind.placeholder)" }.joined(separator: ",")
    }
  }
}
