import ArgumentParser
import KMSAPI

struct KeyTagCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "tag",
    abstract: "Add tags to a key, or change their values.",
    discussion: """
      'key describe' shows them.

      Example:
        envcrypt key tag alias/backup team=storage cost-center=42
      """)

  @OptionGroup var key: KeyArgument

  @Argument(help: ArgumentHelp("Tags, at most 50 per key.", valueName: "key=value"))
  var tags: [String]

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let tags = try tags.map(Tag.init(argument:))
    try keystore.withService { try $0.perform(TagResourceRequest(keyID: key.name, tags: tags)) }
  }
}

struct KeyUntagCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "untag", abstract: "Remove tags from a key.")

  @OptionGroup var key: KeyArgument

  @Argument(help: ArgumentHelp("Keys of tags.", valueName: "tag-key"))
  var tagKeys: [String]

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService {
      try $0.perform(UntagResourceRequest(keyID: key.name, tagKeys: tagKeys))
    }
  }
}

extension Tag {
  /// Splits the argument at the first '='. Also takes the AWS CLI's TagKey=KEY,TagValue=VALUE.
  init(argument: String) throws {
    if argument.hasPrefix("TagKey="), argument.contains(",TagValue=") {
      self = try KMSValueReader().value(Tag.self, [argument], option: "tags")
      return
    }
    guard let equals = argument.firstIndex(of: "=") else {
      throw Failure(
        .usage, "'\(Text.printable(argument))' is not a tag",
        hint: "key=value; the value may be empty"
      )
    }
    self.init(
      tagKey: String(argument[..<equals]),
      tagValue: String(argument[argument.index(after: equals)...]))
  }
}
