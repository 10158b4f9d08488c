import Envelope
import SystemPackage

extension IOError {
  /// True if the input no longer exists.
  var isOfMissingInput: Bool { operation == .openInput && errno == .noSuchFileOrDirectory }
}

extension Failure {
  /// The failure of a symbolic link whose name is that of another output.
  static func written(_ output: FilePath, by rival: FilePath) -> Failure {
    Failure(
      .cannotCreate,
      "\(Text.printable(output)) is the output of \(Text.printable(rival)), so this symbolic link "
        + "has no place",
      hint: "rename the link or the file"
    ).withFile(output)
  }
}

extension FileRun {
  /// Says which attributes the outputs of a run do not have.
  static func text(of loss: LostAttributes.Loss) -> String {
    let first = Text.printable(loss.first)
    let outputs =
      loss.count == 1 ? first : "\(first) and of \(loss.count - 1) more"
    switch loss.kind {
    case .symbolicLink:
      return loss.count == 1
        ? "the file system does not have symbolic links: \(first) was left out"
        : "the file system does not have symbolic links: \(loss.count) were left out, the first is "
          + first
    case .hardLink:
      return "symbolic links with several names (hard links) became separate links, of \(outputs)"
    case .owner: return "the owner or the group was not kept, of \(outputs)"
    case .mode: return "the mode was not kept, of \(outputs)"
    case .specialBits:
      return "set-user-ID, set-group-ID or sticky bits were not kept, of \(outputs)"
    case .times: return "the modification time was not kept exactly, of \(outputs)"
    case .extendedAttributes: return "some extended attributes were not kept, of \(outputs)"
    case .acl: return "ACLs were not kept, of \(outputs)"
    }
  }
}
