import Glibc

// Fuzz --target=NAME [options of libFuzzer] [corpus …]
//
// libFuzzer's main function is not used, so that one program contains every target. libFuzzer
// ignores arguments that begin with two dashes.

/// FuzzerInterface.h
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
  runDriver(&count, &arguments) { pointer, count in
    FuzzTarget.chosen.take(Array(UnsafeBufferPointer(start: pointer, count: count)))
    return 0
  })
