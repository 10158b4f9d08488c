/// Values of parameters in the format of the AWS CLI.
struct TemplateParameterValues {
  private struct Pair: Decodable {
    let parameterKey: String
    let parameterValue: String
  }

  let byName: [String: String]

  init(overrides: [String], parameters: [String]) throws {
    var pairs: [Pair] = []
    if overrides.count == 1, overrides[0].hasPrefix("file://") || overrides[0].hasPrefix("[") {
      pairs = try KMSValueReader().value([Pair].self, overrides, option: "parameter-overrides")
    } else {
      pairs = try overrides.map { text in
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
          throw Failure(
            .usage, "--parameter-overrides takes NAME=VALUE, not '\(Text.printable(text))'",
            hint: "name the template before the options")
        }
        return Pair(
          parameterKey: String(text[..<sign]),
          parameterValue: String(text[text.index(after: sign)...]))
      }
    }
    if !parameters.isEmpty {
      pairs += try KMSValueReader().value([Pair].self, parameters, option: "parameters")
    }
    byName = try pairs.reduce(into: [:]) { values, pair in
      guard values.updateValue(pair.parameterValue, forKey: pair.parameterKey) == nil else {
        throw Failure(
          .usage, "parameter '\(Text.printable(pair.parameterKey))' is given twice",
          hint: "give each parameter one value")
      }
    }
  }
}
