/// Keys and certificates in base64, as OpenSSL 3.0 and OpenSSH 9.2 wrote them for these tests.
enum PublicKeySamples {
  /// An RSA key of 2048 bits: SubjectPublicKeyInfo.
  static let rsaInfo = """
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4rM9hf7WZwxNBdX3U7iKQ8XsECmlqMAIz/Lq9xICH4kN/IGa\
    L1KPcaX6c/LAAgKX16jrJ7ws4Vh7NhBXjTy5Ne4uK0linXdxOG6BqVblY0fvu3z0TpIjwy2lNecPN+eowGAITQlUOc1w\
    JVc8Puv/dTosAOkjfCJXtrm9EhDR8a708vo7cQZ2ETiRZQtZG2APvivMUe6AqWeraA5xx5T/l1Q5BR/hwVYfFJyn735d\
    dlBtSxHUKEDlipMAuc5woOVhtPb2/y6R5Kb4sT2OxOyWV/5q6R3r7RUhxc1oRZE60z7nNGmpoxZMc88z4HzQrvzH/CAj\
    L7lITnBzsU3Hwj1klwIDAQAB
    """

  /// The same key as OpenSSH writes it.
  static let rsaSSH = """
    AAAAB3NzaC1yc2EAAAADAQABAAABAQDisz2F/tZnDE0F1fdTuIpDxewQKaWowAjP8ur3EgIfiQ38gZovUo9xpfpz8sAC\
    ApfXqOsnvCzhWHs2EFeNPLk17i4rSWKdd3E4boGpVuVjR++7fPROkiPDLaU15w8356jAYAhNCVQ5zXAlVzw+6/91OiwA\
    6SN8Ile2ub0SENHxrvTy+jtxBnYROJFlC1kbYA++K8xR7oCpZ6toDnHHlP+XVDkFH+HBVh8UnKfvfl12UG1LEdQoQOWK\
    kwC5znCg5WG09vb/LpHkpvixPY7E7JZX/mrpHevtFSHFzWhFkTrTPuc0aamjFkxzzzPgfNCu/Mf8ICMvuUhOcHOxTcfC\
    PWSX
    """

  /// A key on P-256: SubjectPublicKeyInfo.
  static let p256Info = """
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETx+oaOZPd5QqXB+oA/qOS85VcepRpkXIBTU8oma4+xrkyYxsh04wKkum\
    ECnvg4bYYzqjDjar7f4KsPnrAgM7cw==
    """

  /// The same key as OpenSSH writes it.
  static let p256SSH = """
    AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBE8fqGjmT3eUKlwfqAP6jkvOVXHqUaZFyAU1PKJm\
    uPsa5MmMbIdOMCpLphAp74OG2GM6ow42q+3+CrD56wIDO3M=
    """

  /// A key on P-384: SubjectPublicKeyInfo.
  static let p384Info = """
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEwwKeTrNjg+V8iJyFT3PnSZ5rGUQwPDqmH/JsmqflBgWKvxDrlpgXd9XIGmyq\
    a10CuWruX0gOCSh0zjAn3Mgj5DXbdc7bi2VvG7gCLKNHS7cE6zuTojfx3fg/OdCsQd3f
    """

  /// The same key as OpenSSH writes it.
  static let p384SSH = """
    AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBMMCnk6zY4PlfIichU9z50meaxlEMDw6ph/ybJqn\
    5QYFir8Q65aYF3fVyBpsqmtdArlq7l9IDgkodM4wJ9zII+Q123XO24tlbxu4AiyjR0u3BOs7k6I38d34PznQrEHd3w==
    """

  /// A key on P-521: SubjectPublicKeyInfo.
  static let p521Info = """
    MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAYQ2e/XXSkC3wbieXoZwssW3GIG6yeNcHqAbEiy5PxiIs6lDa+scKtYea\
    VbQ2o4M+51DmPZy3gm0iUexEDu0GZmABFEQXWxWS88/m4L7AipsPhKOo2yFQC+JuJgsauCd8lFxGwdYMQLKUIpUIrDxN\
    8O8zdqcGjaAZSU4kvleawh6+dow=
    """

  /// The same key as OpenSSH writes it.
  static let p521SSH = """
    AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABhDZ79ddKQLfBuJ5ehnCyxbcYgbrJ41weoBsSL\
    Lk/GIizqUNr6xwq1h5pVtDajgz7nUOY9nLeCbSJR7EQO7QZmYAEURBdbFZLzz+bgvsCKmw+Eo6jbIVAL4m4mCxq4J3yU\
    XEbB1gxAspQilQisPE3w7zN2pwaNoBlJTiS+V5rCHr52jA==
    """

  /// The RSA key: RSAPublicKey (PKCS #1).
  static let rsaPKCS1 = """
    MIIBCgKCAQEA4rM9hf7WZwxNBdX3U7iKQ8XsECmlqMAIz/Lq9xICH4kN/IGaL1KPcaX6c/LAAgKX16jrJ7ws4Vh7NhBX\
    jTy5Ne4uK0linXdxOG6BqVblY0fvu3z0TpIjwy2lNecPN+eowGAITQlUOc1wJVc8Puv/dTosAOkjfCJXtrm9EhDR8a70\
    8vo7cQZ2ETiRZQtZG2APvivMUe6AqWeraA5xx5T/l1Q5BR/hwVYfFJyn735ddlBtSxHUKEDlipMAuc5woOVhtPb2/y6R\
    5Kb4sT2OxOyWV/5q6R3r7RUhxc1oRZE60z7nNGmpoxZMc88z4HzQrvzH/CAjL7lITnBzsU3Hwj1klwIDAQAB
    """

  /// An RSA key of 1024 bits.
  static let rsa1024SSH = """
    AAAAB3NzaC1yc2EAAAADAQABAAAAgQCocLSU08GpufIOYutKr0n07T+8V9xgttmGvGPXuRM/cKicLs56nufMn8HxY2kE\
    vpWStaM8VefB4PUJbigOSfSurOlqxUzpofnonyWVhN+hGdNRT1tPBbdz1rGEXYlXiUnVjlncv43MHWgGinfINcYu0VDV\
    Xlyb0F/9Olxr3GkI2Q==
    """

  /// An Ed25519 key.
  static let ed25519SSH = """
    AAAAC3NzaC1lZDI1NTE5AAAAIHglGcN7ZArCRfQQqpK0u7FUO8jp+dx015gU7Ir652cf
    """

  /// The OpenSSH certificate of the Ed25519 key.
  static let ed25519CertificateSSH = """
    AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIG7vDzXMcuXld0IhbP3UjYzmLV2f2mFhP6OIvDkM\
    C4dRAAAAIHglGcN7ZArCRfQQqpK0u7FUO8jp+dx015gU7Ir652cfAAAAAAAAAAAAAAABAAAAAmlkAAAABgAAAAJtZQAA\
    AAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1m\
    b3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJt\
    aXQtdXNlci1yYwAAAAAAAAAAAAAAaAAAABNlY2RzYS1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQQzoQOHjRcO\
    m2QaMmdprbfAAcTic0rLmF8F35lqRBBul4VQjt/emxoFuKCDicbRoCbmr6XtnwJOueypr7XK+8gdAAAAZAAAABNlY2Rz\
    YS1zaGEyLW5pc3RwMjU2AAAASQAAACAPTqYJHTLdDCCFExVjRalN5GsmAZI9NoSwgr6lNbvbzgAAACEA3ibV9Ffb05/r\
    vkXJZ/Bp1qsbi2t3tBpKOyuLl+m3Otk=
    """

  /// A DSA key.
  static let dsaSSH = """
    AAAAB3NzaC1kc3MAAACBAOmqVTzs6cUiPKsS2Q5fs7SdMAOdJm65gZC0rzq8PxYGPuPBiUx5hbxBrJ1wyTiXHKZAekfQ\
    NniH2GebDoqw4ndvTqwT3W8ZFJnATtbahL2m/WGiC6sxNYlMVa5+S1oki69bMBjHmR1jBeuAbKAAeIo45uyqLrkJOrx+\
    bWUUoyqdAAAAFQDmdLnzfzklny7VzoTwNvPsX33NrQAAAIEA5gxlOPL+XRC8OCaC4LloG7Qt1bnSiH9f6RezY5M/P8L6\
    Rq31vgtHWiRfiVi5JdWUjKk6im77jVA1uT1sBtx9FxUW9TnqG0V0Jx6EPXYr0JgAUrjeBlxtviW2cURwQKBwnMvXTLaz\
    CkwFGpf66EbpaK0PWD9BXDVJONFc8jk8j9UAAACAD6jDhL1dYN4l1gUL+5u+0x6KKWs3e8g9Yt110XyLr0W9jL2ECLFf\
    ThYW1VPhwOkjHa9N6L5V5s3d2ogStr5VypGpK/7K7lnEFTqwMfzQ3CyhJtW2ROWgKbBgTMv4E0Cpq7eq/Msvqho7fmLK\
    yTpEUQTYnTLCXStyx+MzeqWgUvo=
    """

  /// A certificate that issued itself, and the others.
  static let authority = """
    MIIBEjCBuAIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPOTk5OTEy\
    MzEyMzU5NTlaMBQxEjAQBgNVBAMMCUF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDJHuOc6pjqzfgj6\
    RYGxwkT03hy6jQD9c1y7530FdqdPLKcOroCtspLNjh2PCtk+ttbgXlKRAdN30q8FQSQUE00wCgYIKoZIzj0EAwIDSQAw\
    RgIhAPPZ5EmjcMhCl6DE8HM9SpuuoyIOevo3XYP5tgx/GMy/AiEA0Mnc6KA6P2FZhE/qs7IpyqU/1ZM4+bna/Zz6qsCf\
    Mqo=
    """

  /// A certificate of the key on P-256 from 2020 to 9999.
  static let certificate = """
    MIIBCjCBsgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPOTk5OTEy\
    MzEyMzU5NTlaMA4xDDAKBgNVBAMMA0JvYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE8fqGjmT3eUKlwfqAP6jkvO\
    VXHqUaZFyAU1PKJmuPsa5MmMbIdOMCpLphAp74OG2GM6ow42q+3+CrD56wIDO3MwCgYIKoZIzj0EAwIDRwAwRAIgWaWm\
    YrvEKriE91rSbJbOlLXkc324+mhfDSqsr9Z7oiwCIGLROO4R+RcoQR2E6Y1Gx/Da1z4dcVMcHcM9wOYv3jsr
    """

  /// The same certificate as a TRUSTED CERTIFICATE.
  static let trusted = """
    MIIBCjCBsgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPOTk5OTEy\
    MzEyMzU5NTlaMA4xDDAKBgNVBAMMA0JvYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE8fqGjmT3eUKlwfqAP6jkvO\
    VXHqUaZFyAU1PKJmuPsa5MmMbIdOMCpLphAp74OG2GM6ow42q+3+CrD56wIDO3MwCgYIKoZIzj0EAwIDRwAwRAIgWaWm\
    YrvEKriE91rSbJbOlLXkc324+mhfDSqsr9Z7oiwCIGLROO4R+RcoQR2E6Y1Gx/Da1z4dcVMcHcM9wOYv3jsrMBEwCgYI\
    KwYBBQUHAwEMA0JvYg==
    """

  /// The same from 2020 to 2021.
  static let expired = """
    MIIBCTCBsAIBAzAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAx\
    MDAwMDAwWjAOMQwwCgYDVQQDDANCb2IwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARPH6ho5k93lCpcH6gD+o5LzlVx\
    6lGmRcgFNTyiZrj7GuTJjGyHTjAqS6YQKe+DhthjOqMONqvt/gqw+esCAztzMAoGCCqGSM49BAMCA0gAMEUCIQC4/EOv\
    lNLaqrPvf44f1JdDXEWHSkZ+F55+2KWTsKTf0AIgSzeWePTbv9BOwHX9HfwwAR67MnALMtgGYKGb4HRjCuo=
    """

  /// The same from 9800 to 9999.
  static let early = """
    MIIBDTCBtAIBBDAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwIhgPOTgwMDAxMDEwMDAwMDBaGA85OTk5\
    MTIzMTIzNTk1OVowDjEMMAoGA1UEAwwDQm9iMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETx+oaOZPd5QqXB+oA/qO\
    S85VcepRpkXIBTU8oma4+xrkyYxsh04wKkumECnvg4bYYzqjDjar7f4KsPnrAgM7czAKBggqhkjOPQQDAgNIADBFAiBf\
    dqiXPjQ+A6Z194LvuHE4/RdjSqs3UKvCJjK6SNOHqQIhAI9MscRA0wJnE06b/8x+zyZs1u3IpibOIL2f1Ie3jksz
    """

  /// A certificate of an Ed25519 key.
  static let ed25519Certificate = """
    MIHdMIGDAgEFMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCUF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA85OTk5MTIz\
    MTIzNTk1OVowDjEMMAoGA1UEAwwDQm9iMCowBQYDK2VwAyEAdFRHRiJV0S8h5EElQfw+hrgn7raWNwZ171IWDzub67gw\
    CgYIKoZIzj0EAwIDSQAwRgIhALdl1RxsAXy3JN9GXxAz5zHTC5GBMT/1awFw5mvpNoO3AiEAuvF6fALL1DWRCpN/jQBb\
    f/hmSZyArxDxlmBrfEeMhdQ=
    """

  /// The private key on P-256: PKCS #8.
  static let p256PKCS8 = """
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2FXea/OP8cUeaKBuugP2m2NzwT0SCzeRWycelTbDTl2h\
    RANCAARPH6ho5k93lCpcH6gD+o5LzlVx6lGmRcgFNTyiZrj7GuTJjGyHTjAqS6YQKe+DhthjOqMONqvt/gqw+esCAztz
    """

  /// The same in the format of SEC 1.
  static let p256SEC1 = """
    MHcCAQEEINhV3mvzj/HFHmigbroD9ptjc8E9Egs3kVsnHpU2w05doAoGCCqGSM49AwEHoUQDQgAETx+oaOZPd5QqXB+o\
    A/qOS85VcepRpkXIBTU8oma4+xrkyYxsh04wKkumECnvg4bYYzqjDjar7f4KsPnrAgM7cw==
    """

  /// The same, encrypted.
  static let p256Encrypted = """
    MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgpxxENvKf9EAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgB\
    ZQMEASoEENbQagZtQ3V0TcuMdiTHe4IEgZC7DiVCHNgKRzslP7y22XnO0PVHEMSCWKdsP1N+NeUDzt9iAWaOaWA6orzF\
    cmDh7gPR40FFpKC7m0+opW5TpSLYJiosnBZAgKhbqzFyBS0xeiTSUrDQN0B93uxg/0XnaynJKiRfnRAJ9ityB1BAQyn4\
    8myxOd/AeMvsLKB8VVWC8Qz2lHQZ19GG7AFr72iao70=
    """

  /// The same with its certificate: PKCS #12.
  static let pkcs12 = """
    MIIDnAIBAzCCA1IGCSqGSIb3DQEHAaCCA0MEggM/MIIDOzCCAfIGCSqGSIb3DQEHBqCCAeMwggHfAgEAMIIB2AYJKoZI\
    hvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi0Ukf6H8ev7AICCAAwDAYIKoZIhvcNAgkFADAdBglg\
    hkgBZQMEASoEEE97wDc2n51DOCeza/bq4mOAggFwC0qzpQlWDVlBCR3Jcj0ssR/f9/7DneGoksNWGqHq+5/MVlZgqCH5\
    IZd31Clx6mP9z5XAm4DlI5ylrYHOnwRUWLED7EXQNDbjrkHx1oT5hSLDqTSc1qFade/Yv7dJgLj5bdsMj3eqJi4JQBV2\
    Kx3KTdpYQTdsR9Mq4KAxfPM6lx9F5QmFPJdavbEMsZNj5thh32FygI9WYWwKmFDV/bvlCppiQvhpwVZJ6kP10ZJgsCoG\
    5bQnzFOzwhrqv9MXL6n3i/W7ywy3Z1BhB3lGlRbamGLuaXOIwpJzJWOeDG6WtMFfG4zhHddiKk1FL1bfZGN3dFe1Enz7\
    fq9kD2aSpHfnQTPH4uysGuYuaRmclzCa4ay3esOHjUExZm01xaXWLFOsPwl4qpEkxXVVuX575CWJCSJpMCI5xlzPrHBy\
    PljmXhx81oiQ9IYFs/8+e+OMVI4K11t6w/uCvpScl50p9ZIAu6xslJfnIhec74DQtxl5JKQwggFBBgkqhkiG9w0BBwGg\
    ggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIZd6w\
    CfOGEpcCAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBAlEbHyiImjD1Dd3L4EJL+0BIGQGOjfqVcIj1eLX0wm\
    tVHvKl80ywXRS+FALDSnJ40X2vCvDqmMX/ioepqrpCZlGF3sMw6GRqIMyg8BAuPOuXR7eh6o3moiP4P46h4cnv95hmqq\
    Tsxibt7Dxznh6qiHBzhA76J990hsBBHdbsnyBGJTdsS0c/sj2Qa11WS5OXblh5Zx9NomIMBneK7Fbsau5njQMSUwIwYJ\
    KoZIhvcNAQkVMRYEFEUH0gN64/ZvZyAiaMOh/NEJASVPMEEwMTANBglghkgBZQMEAgEFAAQgBcLJetoZK4QQWBEWYUaZ\
    xe7VTgHkdpLmmctRdFQjof4ECAtbJzMLpCE4AgIIAA==
    """
}
