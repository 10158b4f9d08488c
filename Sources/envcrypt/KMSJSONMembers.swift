import KMSAPI

/// The members of a JSON object, each decoded when it is needed.
struct KMSJSONMembers: Decodable, KMSMembers {
  private let container: KeyedDecodingContainer<APIMember>

  init(from decoder: any Decoder) throws {
    container = try decoder.container(keyedBy: APIMember.self)
  }

  func contains(_ property: String) -> Bool {
    let key = APIMember(APIName.member(property))
    return container.contains(key) && (try? container.decodeNil(forKey: key)) == false
  }

  func value<Value: Decodable>(_ type: Value.Type, _ property: String) throws -> Value {
    do {
      return try container.decode(type, forKey: APIMember(APIName.member(property)))
    } catch let error as DecodingError {
      throw KMSArgumentError.malformed("cli-input-json", error.problem)
    }
  }
}

extension DecodingError {
  /// The place of the error and its description, with the API's names.
  var problem: String {
    switch self {
    case .keyNotFound(let key, let context):
      Self.place(context) + "\(APIName.member(key.stringValue)) is missing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      Self.place(context) + "expected \(Self.noun(type))"
    case .dataCorrupted(let context): Self.place(context) + context.debugDescription
    @unknown default: "it cannot be decoded"
    }
  }

  private static func place(_ context: Context) -> String {
    var path = ""
    for key in context.codingPath {
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += (path.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return path.isEmpty ? "" : "\(path): "
  }

  private static func noun(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is Int.Type, is Double.Type: "a number"
    case is [Any].Type: "a list"
    default: "an object"
    }
  }
}
