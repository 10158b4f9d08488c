extension NearestName {
  /// ", 'Description' is near", behind "unknown property 'Descripton'"; empty where nothing is. Of one
  /// letter everything would be.
  static func hint(_ name: String, in names: [String]) -> String {
    guard name.count > 1 else { return "" }
    return find(name, in: names).map { ", '\($0)' is near" } ?? ""
  }
}
