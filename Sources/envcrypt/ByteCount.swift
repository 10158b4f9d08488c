import ArgumentParser

/// A number of bytes as a person writes it: "4096", "64K", "1GiB".
struct ByteCount: ExpressibleByArgument {
  let bytes: Int64

  init?(argument: String) {
    let digits = argument.prefix { ("0"..."9").contains($0) }
    guard let number = Int64(digits) else { return nil }
    let units = ["": 0, "K": 10, "M": 20, "G": 30, "T": 40]
    var unit = argument.dropFirst(digits.count)
    if unit.hasSuffix("iB") { unit = unit.dropLast(2) }
    guard let shift = units[String(unit)], number <= Int64.max >> shift,
      !(unit.isEmpty && argument.hasSuffix("iB"))
    else { return nil }
    bytes = number << shift
  }
}
