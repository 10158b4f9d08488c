import Envelope
import Glibc
import SystemPackage

/// A message whose plaintext is changed in an editor.
struct EditedMessage {
  let place: FilePlace
  /// The status of the message; nil for a new one.
  let existing: FileStatus?
  let suffix: NameSuffix
  let reserved: any ReservedFiles
  let leftovers: Leftovers
  let synchronizes: Bool
  let console: Console
  let keys: Keys

  /// The keys and the form of the message.
  struct Keys {
    /// The old message; nil for a new one.
    let message: OpenedMessage?
    let encryptor: MessageEncryptor
    let isArmored: Bool
  }

  private var name: String { Text.printable(place.path) }

  /// Opens the plaintext in the editor, and encrypts it if it has changed.
  func edit() throws {
    // The output is made before the editor starts: what would refuse it refuses it now.
    let output = try makeOutput()
    let old: SecretBytes
    do {
      old = try decrypt()
    } catch {
      throw Failure(error, namingFile: place.path)
    }
    let text = EditedText(
      directory: try makeDirectory(), name: suffix.removed(from: place.name) ?? "text")
    guard try change(text, from: old) else {
      text.directory.remove()
      console.note(
        existing == nil
          ? "nothing was written, so there is no \(name)" : "\(name) was not changed")
      return
    }
    do {
      let new = try text.open()
      try refuseUneditable(new)
      _ = try keys.encryptor.encrypt(
        from: DescriptorSource(new), to: output, isArmored: keys.isArmored)
      try output.commit(synchronizing: synchronizes)
    } catch {
      throw text.kept(after: Failure(error, namingFile: place.path))
    }
    text.directory.remove()
  }

  /// Throws if the text has become so long that it could not be edited again.
  private func refuseUneditable(_ text: Descriptor) throws {
    let limit = Int64(EditCommand.sizeLimit)
    guard try text.status().size > limit else { return }
    throw Failure(
      .dataError,
      "\(name): the text has more than \(Text.size(limit)), and could not be edited again")
  }

  /// Returns the plaintext, which is empty for a new message.
  private func decrypt() throws -> SecretBytes {
    let plaintext = SecretPlaintext(limit: EditCommand.sizeLimit)
    if let message = keys.message {
      _ = try message.decrypt(to: plaintext)
    } else {
      // Find out before somebody writes a text that a key cannot be used. This also unlocks the
      // keystore.
      let nothing = DescriptorSource(try Descriptor.openInput("/dev/null"))
      _ = try keys.encryptor.encrypt(from: nothing, to: NullSink())
    }
    return plaintext.take()
  }

  /// Lets the user change the text; false if it is the same as before. If this throws, the text is
  /// removed, or kept if it may be wanted.
  private func change(_ text: EditedText, from old: borrowing SecretBytes) throws -> Bool {
    let result: Result<(ShellCommand.Status, isChanged: Bool), any Error>
    do {
      try text.directory.write(old, to: text.name)
      let status = try runEditor(on: text)
      result = .success((status, isChanged: try text.isChanged(from: old)))
    } catch {
      result = .failure(error)
    }
    let isAsBefore = existing == nil ? "there is no \(name)" : "\(name) is as it was"
    switch result {
    case .success((.exited(0), let isChanged)): return isChanged
    case .success((.exited(let status), _)):
      text.directory.remove()
      throw Failure(
        .systemError, "the editor failed with status \(status), so \(isAsBefore)",
        hint: "VISUAL or EDITOR names the editor; it must not end before the text is written")
    case .success((.killed(let signal), let isChanged)):
      let failure = Failure(
        .systemError, "the editor was killed by signal \(signal), so \(isAsBefore)")
      if isChanged { throw text.kept(after: failure) }
      text.directory.remove()
      throw failure
    case .failure(let error):
      text.directory.remove()
      var failure = Failure(error)
      failure.message += ", so \(isAsBefore)"
      throw failure
    }
  }

  private func makeOutput() throws -> OutputFile {
    guard let existing else {
      return try OutputFile(
        at: place, nil, replacing: false, permissions: 0o666 & ~OutputFile.creationMask(),
        source: nil, reserved: reserved, leftovers: leftovers)
    }
    return try OutputFile(
      inPlaceOf: place, existing, keepingTimes: false, reserved: reserved, leftovers: leftovers)
  }

  private func makeDirectory() throws -> MemoryDirectory {
    let runtime = getenv("XDG_RUNTIME_DIR").map { FilePath(platformString: $0) }
    let places = [runtime, "/dev/shm"].compactMap { $0 }
    guard let directory = try MemoryDirectory.make(in: places, leftovers: leftovers) else {
      throw Failure(
        .cannotCreate,
        "there is no directory in memory for the plaintext: neither $XDG_RUNTIME_DIR nor /dev/shm is "
          + "a tmpfs that can be used",
        hint: "mount -t tmpfs -o mode=1777 tmpfs /dev/shm")
    }
    return directory
  }

  /// Runs the editor. Ctrl-C in the terminal belongs to the editor; it must not end this process
  /// later either, when it arrives late.
  private func runEditor(on text: EditedText) throws -> ShellCommand.Status {
    guard leftovers.ignore([SIGINT, SIGQUIT]) else { throw SchedulerError.noThread }
    do {
      return try Editor.ofUser().edit(text.path, leftovers: leftovers)
    } catch let reason as Errno {
      throw Failure(.systemError, "the editor cannot be started: \("\(reason)".lowercasedFirst)")
    }
  }
}

/// A plaintext in a file in memory, for an editor.
private struct EditedText {
  let directory: MemoryDirectory
  let name: FilePath

  var path: FilePath { directory.path.pushing(name) }

  func open() throws -> Descriptor { try directory.open(name) }

  /// False if the file has exactly these bytes.
  func isChanged(from old: borrowing SecretBytes) throws -> Bool {
    let file = try open()
    guard try file.status().size == Int64(old.count) else { return true }
    let count = old.count
    var isEqual = true
    let new = try SecretBytes(count: count) { span in
      var done = 0
      while done < count, isEqual {
        let start = done
        let read = try span.withUnsafeMutableBytes { target in
          var rest = MutableRawSpan(
            _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: target[start...]))
          return try file.read(into: &rest, at: Int64(start))
        }
        isEqual = read > 0
        done += read
      }
    }
    return !isEqual || !SecretBytes.areEqual(old, new)
  }

  /// Leaves the text to the user; returns the failure with a hint that names it.
  func kept(after failure: Failure) -> Failure {
    let directory = Text.shellQuoted(directory.keep())
    var failure = failure
    failure.hint =
      "your text is kept in memory, in \(directory); remove it when you have it: rm -r -- \(directory)"
    return failure
  }
}
