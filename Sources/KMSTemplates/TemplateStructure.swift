import CYaml

/// Checks the structure of YAML text before a tree is built. An alias repeats the value of its
/// anchor, so a small text could expand to an endless tree. The keys of a tree are compared, which
/// takes long if they are trees themselves. And each value in the tree needs a hundred times the
/// memory of its text.
enum TemplateStructure {
  /// Throws `TemplateError`. Accepts text that is not YAML: building the tree reports that error.
  static func check(_ yaml: String) throws {
    var text = yaml
    let problem: TemplateError? = text.withUTF8 { bytes in
      var parser = yaml_parser_t()
      guard yaml_parser_initialize(&parser) == 1 else { return nil }
      defer { yaml_parser_delete(&parser) }
      yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
      return firstProblem(&parser)
    }
    if let problem { throw problem }
  }

  /// A mapping or a list that is not closed yet.
  private enum Open {
    case list
    case map(awaitsKey: Bool)
  }

  private static func firstProblem(_ parser: inout yaml_parser_t) -> TemplateError? {
    var open: [Open] = []
    var count = 0
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
      defer { yaml_event_delete(&event) }
      let mark = TemplateMark(
        line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
      switch event.type {
      case YAML_SCALAR_EVENT, YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT:
        count += 1
        guard count <= TemplateReader.valueLimit else { return .tooMany(mark) }
      default: break
      }
      switch event.type {
      case YAML_ALIAS_EVENT:
        return TemplateError(.unsupported, mark, "YAML aliases are not supported in templates")
      case YAML_SCALAR_EVENT:
        if let problem = place(in: &open, isText: true, mark) { return problem }
      case YAML_SEQUENCE_START_EVENT:
        if let problem = place(in: &open, isText: false, mark) { return problem }
        open.append(.list)
      case YAML_MAPPING_START_EVENT:
        if let problem = place(in: &open, isText: false, mark) { return problem }
        open.append(.map(awaitsKey: true))
      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: open.removeLast()
      // Text after the first document is reported as an error later.
      case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT: return nil
      default: break
      }
    }
  }

  /// Adds a value to the innermost mapping or list.
  private static func place(
    in open: inout [Open], isText: Bool, _ mark: TemplateMark
  ) -> TemplateError? {
    guard open.count <= TemplateReader.depthLimit else { return .tooDeep(mark) }
    guard case .map(let awaitsKey)? = open.last else { return nil }
    if awaitsKey, !isText {
      return TemplateError(
        .malformed, mark, "a mapping's key must be text, not a mapping or a list")
    }
    open[open.count - 1] = .map(awaitsKey: !awaitsKey)
    return nil
  }
}

extension TemplateError {
  static func null(_ mark: TemplateMark) -> TemplateError {
    TemplateError(.malformed, mark, "a value is missing: null is not allowed in templates")
  }

  static func tooMany(_ mark: TemplateMark) -> TemplateError {
    TemplateError(
      .malformed, mark,
      "a template has at most \(TemplateReader.valueLimit) values, counting keys, mappings and lists"
    )
  }

  static func tooDeep(_ mark: TemplateMark) -> TemplateError {
    TemplateError(
      .malformed, mark,
      "mappings and lists are nested more than \(TemplateReader.depthLimit) levels deep")
  }
}
