@testable import Envelope

/// Elliptic-curve keys with published numbers, in the DER that other programs write.
enum ECKeys {
  /// A private key, a peer and their shared secret: the first case of each curve in NIST's CAVP
  /// vectors for the ECC CDH primitive, SP 800-56A.
  struct Agreement: Sendable {
    let curve: Curve
    let scalar: [UInt8]
    /// x and y of the peer's public key.
    let peer: [UInt8]
    let sharedSecret: [UInt8]

    func privateKey() throws -> ECPrivateKey {
      try ECPrivateKey(pkcs8: SecretBytes(ECKeys.privateKey(on: curve, scalar: scalar)))
    }
  }

  static let agreements = [
    Agreement(
      curve: .p256,
      scalar: hexadecimal("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"),
      peer: hexadecimal(
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
          + "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"),
      sharedSecret: hexadecimal(
        "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b")),
    Agreement(
      curve: .p384,
      scalar: hexadecimal(
        "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b1"
          + "5618b6818a661774ad463b205da88cf699ab4d43c9cf98a1"),
      peer: hexadecimal(
        "a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e76459"
          + "2efda27fe7513272734466b400091adbf2d68c58e0c50066"
          + "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b66"
          + "1efedf243451915ed0905a32b060992b468c64766fc8437a"),
      sharedSecret: hexadecimal(
        "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f4"
          + "0ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1")),
    Agreement(
      curve: .p521,
      scalar: hexadecimal(
        "017eecc07ab4b329068fba65e56a1f8890aa935e57134ae0ffcce802735151f4ea"
          + "c6564f6ee9974c5e6887a1fefee5743ae2241bfeb95d5ce31ddcb6f9edb4d6fc47"),
      peer: hexadecimal(
        "00685a48e86c79f0f0875f7bc18d25eb5fc8c0b07e5da4f4370f3a949034085433"
          + "4b1e1b87fa395464c60626124a4e70d0f785601d37c09870ebf176666877a2046d"
          + "01ba52c56fc8776d9e8f5db4f0cc27636d0b741bbe05400697942e80b739884a83"
          + "bde99e0f6716939e632bc8986fa18dccd443a348b6c3e522497955a4f3c302f676"),
      sharedSecret: hexadecimal(
        "005fc70477c3e63bc3954bd0df3ea0d1f41ee21746ed95fc5e1fdf90930d5e1366"
          + "72d72cc770742d1711c3c3a4c334a0ad9759436a4d3c5bf6e74b9578fac148c831")),
  ]

  /// Returns a private key in the form of SEC 1, C.4. Leaves out the public key unless `point` is
  /// given.
  static func privateKey(
    on curve: Curve, scalar: [UInt8], point: [UInt8]? = nil
  ) -> [UInt8] {
    let parts =
      [0x02, 0x01, 0x01] + element(0x04, scalar) + element(0xa0, name(of: curve))
      + (point.map { element(0xa1, element(0x03, [0] + $0)) } ?? [])
    return element(0x30, parts)
  }

  /// Returns a public key in the form of SEC 1, C.3. `point` can have any form.
  static func publicKey(on curve: Curve, point: [UInt8]) -> [UInt8] {
    element(
      0x30,
      element(0x30, hexadecimal("06072a8648ce3d0201") + name(of: curve))
        + element(0x03, [0] + point))
  }

  private static func name(of curve: Curve) -> [UInt8] {
    switch curve {
    case .p256: hexadecimal("06082a8648ce3d030107")
    case .p384: hexadecimal("06052b81040022")
    case .p521: hexadecimal("06052b81040023")
    }
  }

  private static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    let count = contents.count
    let length: [UInt8] =
      count < 0x80
      ? [UInt8(count)]
      : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
    return [tag] + length + contents
  }
}
