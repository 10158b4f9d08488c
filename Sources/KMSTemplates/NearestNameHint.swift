import Envelope

extension NearestName {
  /// Returns "; did you mean 'Description'?" to append to "unknown property 'Descripton'"; empty if
  /// no name is near.
  static func hint(_ name: String, in names: [String]) -> String {
    find(name, in: names).map { "; did you mean '\($0)'?" } ?? ""
  }
}
