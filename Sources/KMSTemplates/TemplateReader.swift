import KMSAPI
import Yams

/// Reads the YAML or JSON of a template, with CloudFormation's restrictions: no aliases, no merge
/// keys, no null, and of YAML's tags only those of plain JSON types.
enum TemplateReader {
  /// The maximum size of a template in bytes: CloudFormation's limit for a template in an S3
  /// bucket.
  static let sizeLimit = 1 << 20
  /// The maximum number of texts, mappings and lists in a template, including keys: a hundred for
  /// each of the 500 resources.
  static let valueLimit = 50_000
  /// The maximum nesting depth of mappings and lists.
  static let depthLimit = 64

  /// Throws `TemplateError` of the kind `malformed` or `unsupported`.
  static func read(_ bytes: [UInt8]) throws -> TemplateNode {
    guard bytes.count <= sizeLimit else {
      throw TemplateError(
        .malformed, nil, "a template has at most \(sizeLimit) bytes, this one has \(bytes.count)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw TemplateError(.malformed, firstInvalid(in: bytes), "the template is not UTF-8")
    }
    // A byte order mark is not part of the text.
    let yaml = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    if TemplateJSON.isJSON(yaml) { return try TemplateJSON.read(yaml) }
    try TemplateStructure.check(yaml)
    guard let root = try compose(yaml) else {
      throw TemplateError(.malformed, .start, "the template is empty")
    }
    return try node(root)
  }

  private static func compose(_ yaml: String) throws -> Node? {
    do {
      // Without resolver rules, a date stays the text that it is.
      return try Yams.compose(yaml: yaml, .basic, .default, .utf8)
    } catch let error as YamlError {
      throw TemplateError(error)
    }
  }

  private static func node(_ node: Node) throws -> TemplateNode {
    let mark = TemplateMark(node.mark)
    let content: TemplateNode.Content
    let function: String?
    switch node {
    case .scalar(let scalar):
      function = try Self.function(scalar.tag, mark)
      let isText =
        scalar.style != .plain || ["!", Yams.Tag.Name.str.rawValue].contains(scalar.tag.rawValue)
      let value = TemplateScalar(scalar.string, isPlain: !isText)
      guard !value.isNull || function != nil else {
        throw TemplateError.null(mark)
      }
      content = .scalar(value)
    case .sequence(let sequence):
      function = try Self.function(sequence.tag, mark)
      content = .list(try sequence.map { try self.node($0) })
    case .mapping(let mapping):
      function = try Self.function(mapping.tag, mark)
      content = .map(try entries(mapping))
    case .alias:
      throw TemplateError(.unsupported, mark, "YAML aliases are not supported in templates")
    }
    let value = TemplateNode(content: content, mark: mark)
    return function.map { TemplateNode(content: .tagged($0, value), mark: mark) } ?? value
  }

  /// The YAML tags that only state the plain type of a value.
  private static let plainTags: Set<Yams.Tag.Name> = [
    .implicit, .nonSpecific, .str, .seq, .map, .bool, .int, .float,
  ]

  /// Returns the long name of the function if the tag is a short form; nil for a plain value.
  private static func function(_ tag: Yams.Tag, _ mark: TemplateMark) throws -> String? {
    let name = tag.rawValue
    if plainTags.contains(Yams.Tag.Name(rawValue: name)) { return nil }
    guard name.hasPrefix("!") else {
      let yaml = "tag:yaml.org,2002:"
      let shown = name.hasPrefix(yaml) ? "!!\(name.dropFirst(yaml.count))" : name
      throw TemplateError(.unsupported, mark, "the YAML tag \(shown) is not supported in templates")
    }
    let short = String(name.dropFirst())
    return ["Ref", "Condition"].contains(short) ? short : "Fn::\(short)"
  }

  private static func entries(
    _ mapping: Node.Mapping
  ) throws -> [TemplateNode.Entry] {
    var keys: Set<String> = []
    return try mapping.map { key, value in
      let mark = TemplateMark(key.mark)
      guard case .scalar(let scalar) = key else {
        throw TemplateError(
          .malformed, mark, "a mapping's key must be text, not a mapping or a list")
      }
      guard try function(scalar.tag, mark) == nil else {
        throw TemplateError(.malformed, mark, "a mapping's key must be text, not a function")
      }
      guard scalar.string != "<<" || scalar.style != .plain else {
        throw TemplateError(
          .unsupported, mark, "YAML merge keys (<<) are not supported in templates")
      }
      guard keys.insert(scalar.string).inserted else {
        throw TemplateError(.malformed, mark, "'\(scalar.string)' occurs twice")
      }
      return TemplateNode.Entry(
        key: scalar.string, mark: mark, value: try node(value))
    }
  }

  /// Returns the place of the first bytes that are not UTF-8.
  private static func firstInvalid(in bytes: [UInt8]) -> TemplateMark {
    let valid = String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix { $0 != "\u{FFFD}" }
    let line = valid.reversed().prefix { $0 != "\n" }
    return TemplateMark(line: valid.count { $0 == "\n" } + 1, column: line.count + 1)
  }
}

extension TemplateMark {
  fileprivate init(_ mark: Mark?) {
    self.init(line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
  }
}

extension TemplateError {
  fileprivate init(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      self.init(.malformed, TemplateMark(mark), "not YAML: \(problem)")
    case .composer(_, let problem, let mark, _):
      if problem.contains("alias") {
        self.init(
          .unsupported, TemplateMark(mark), "YAML aliases are not supported in templates")
      } else {
        self.init(.malformed, TemplateMark(mark), "not one YAML document: \(problem)")
      }
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0).unicodeScalars
      let column = before.reversed().prefix { $0 != "\n" }.count + 1
      self.init(
        .malformed,
        offset.map { _ in TemplateMark(line: before.count { $0 == "\n" } + 1, column: column) },
        "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      self.init(
        .malformed, TemplateMark(context.mark), "'\(duplicates.first ?? "")' occurs twice")
    default:
      self.init(.malformed, nil, "not YAML")
    }
  }
}
