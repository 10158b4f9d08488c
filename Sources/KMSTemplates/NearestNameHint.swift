import Envelope

extension NearestName {
  /// Returns "; did you mean 'Description'?" to append to "unknown property 'Descripton'"; empty if
  /// no name is near. Every name of one letter is near every other such name, so for one letter
  /// only a difference in case counts.
  static func hint(_ name: String, in names: [String]) -> String {
    let nearest = find(name, in: names)
    let isNear = name.count > 1 || nearest?.lowercased() == name.lowercased()
    return nearest.flatMap { isNear ? "; did you mean '\($0)'?" : nil } ?? ""
  }
}
