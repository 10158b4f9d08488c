extension NearestName {
  /// ", 'Description' is near", behind "unknown property 'Descripton'"; empty where nothing is. To one
  /// letter every other is, and it means nothing.
  static func hint(_ name: String, in names: [String]) -> String {
    let nearest = find(name, in: names)
    let isNear = name.count > 1 || nearest?.lowercased() == name.lowercased()
    return nearest.flatMap { isNear ? ", '\($0)' is near" : nil } ?? ""
  }
}
