"""Writes vectors.json beside itself: answers, valid and invalid, that the cryptographic wrappers
must give. Usage: vectors.py, with Python's cryptography from PyPI. Every run writes the same
bytes: all keys, nonces and salts come from SHA-256 in counter mode. The answers come from
cryptography as far as it supports the algorithm."""
import base64, hashlib, hmac, itertools, json, pathlib
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.kbkdf import CounterLocation, KBKDFHMAC, Mode
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)

HASHES = {"sha1": hashes.SHA1(), "sha224": hashes.SHA224(), "sha256": hashes.SHA256(),
          "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
groups, keys = {}, {}


def add(group, comment, error=None, **fields):
    """Adds a vector. With `error` it is invalid. The error is the one that a wrapper reports if
    it throws."""
    entry = {"comment": comment, "result": "invalid" if error else "valid"}
    if error and error != "false":
        entry["error"] = error
    for name, value in fields.items():
        entry[name] = text(value) if isinstance(value, bytes) else str(value)
    groups.setdefault(group, []).append(entry)


def text(data):
    return base64.b64encode(data).decode()


class Source:
    """Bytes that depend only on the name."""

    def __init__(self, name):
        self.name, self.count = name, 0

    def take(self, count):
        out = b""
        while len(out) < count:
            out += hashlib.sha256(f"{self.name} {self.count}".encode()).digest()
            self.count += 1
        return out[:count]

    def number(self, bits):
        return int.from_bytes(self.take((bits + 7) // 8), "big") % (1 << bits)


def flip(data, position, mask=1):
    data = bytearray(data)
    data[position] ^= mask
    return bytes(data)


def digest(name, data):
    return hashlib.new(name, data).digest()


# AES-GCM


def gcm():
    source = Source("gcm")
    for size in (16, 24, 32):
        for length, aad_length in ((0, 0), (0, 20), (15, 1), (16, 16), (17, 40), (200, 13)):
            key, nonce = source.take(size), source.take(12)
            plaintext, aad = source.take(length), source.take(aad_length)
            sealed = AESGCM(key).encrypt(nonce, plaintext, aad)

            def case(comment, error=None, sealed=sealed, aad=aad, nonce=nonce, key=key,
                     plaintext=plaintext):
                try:
                    good = AESGCM(key).decrypt(nonce, sealed, aad) == plaintext
                except (InvalidTag, ValueError):
                    good = False
                assert good == (error is None), comment
                add("aes-gcm", f"{8 * size} bits, {length} bytes, {aad_length} of aad: {comment}",
                    error, key=key, nonce=nonce, aad=aad, plaintext=plaintext, sealed=sealed)

            case("valid")
            if size == 24 or length != 17 and (size, aad_length) != (32, 0):
                continue
            bad = "authenticationFailed"
            for position in (-16, -9, -8, -1):
                case(f"tag changed at {position}", bad, flip(sealed, position))
                case(f"tag changed in the high bit at {position}", bad, flip(sealed, position, 128))
            case("tag inverted", bad, sealed[:-16] + bytes(b ^ 255 for b in sealed[-16:]))
            case("tag of zeros", bad, sealed[:-16] + bytes(16))
            case("tag of ones", bad, sealed[:-16] + b"\xff" * 16)
            for kept in (0, 4, 8, 12, 15):
                case(f"tag truncated to {kept} bytes", bad, sealed[:length + kept])
            case("a byte behind the tag", bad, sealed + b"\0")
            case("aad longer", bad, aad=aad + b"\0")
            case("another nonce", bad, nonce=flip(nonce, 11))
            case("another nonce in the first byte", bad, nonce=flip(nonce, 0, 128))
            case("another key", bad, key=flip(key, 0))
            if aad:
                case("aad changed", bad, aad=flip(aad, 0))
                case("aad truncated", bad, aad=aad[:-1])
                case("no aad", bad, aad=b"")
            if plaintext:
                case("ciphertext changed", bad, flip(sealed, 0))
                case("last ciphertext byte changed", bad, flip(sealed, length - 1))
                case("a ciphertext byte missing", bad, sealed[1:])
                case("tag first", bad, sealed[-16:] + sealed[:-16])
    for size in (0, 8, 15, 17, 31, 33, 64):
        add("aes-gcm", f"a key of {size} bytes", "invalidKey", key=bytes(size), nonce=bytes(12),
            aad=b"", plaintext=b"", sealed=bytes(16))


# HKDF, KBKDF, HMAC


def kdf():
    source = Source("hkdf")
    for name in ("sha256", "sha384", "sha512"):
        size = HASHES[name].digest_size
        for salt_length, info_length, count in (
                (0, 0, size), (0, 10, 42), (1, 0, 1), (size, 1, size - 1), (size, 80, size + 1),
                (64, 16, 2 * size), (129, 33, 64), (200, 1000 if name == "sha512" else 100, 32),
                (13, 10, 255 * size)):
            ikm, salt = source.take(32), source.take(salt_length)
            info = source.take(info_length)
            okm = HKDF(HASHES[name], count, salt, info).derive(ikm)
            # Long outputs would fill the file. Their hash is sufficient.
            output = {"okm": okm} if count <= 64 else {"okmSHA256": digest("sha256", okm)}
            add("hkdf", f"{name}, salt {salt_length}, info {info_length}, {count} bytes",
                digest=name, ikm=ikm, salt=salt, info=info, size=count, **output)
        for length in (1, size, 150):
            ikm = source.take(length)
            add("hkdf", f"{name}, {length} bytes of input", digest=name, ikm=ikm, salt=b"",
                info=b"", size=32, okm=HKDF(HASHES[name], 32, None, b"").derive(ikm))
        for count in (255 * size + 1, 256 * size, 0):
            add("hkdf", f"{name}, {count} bytes", "libcrypto", digest=name, ikm=bytes(32), salt=b"",
                info=b"", size=count)
    source = Source("kbkdf")
    for name in ("sha256", "sha384", "sha512"):
        for label, context, count in ((0, 0, 32), (5, 32, 64), (200, 32, 64), (20, 0, 1),
                                      (0, 32, 129), (100, 1, 100)):
            key, label, context = source.take(48), source.take(label), source.take(context)
            kdf = KBKDFHMAC(HASHES[name], Mode.CounterMode, count, 4, 4,
                            CounterLocation.BeforeFixed, label, context, None)
            add("kbkdf", f"{name}, label {len(label)}, context {len(context)}, {count} bytes",
                digest=name, ikm=key, label=label, context=context, size=count,
                okm=kdf.derive(key))


def codes():
    rfc4231 = [
        ("1", b"\x0b" * 20, b"Hi There", "896fb1128abbdf196832107cd49df33f"),
        ("2", b"Jefe", b"what do ya want for nothing?", "a30e01098bc6dbbf45690f3a7e9e6d0f"),
        ("3", b"\xaa" * 20, b"\xdd" * 50, "7fb3cb3588c6c1f6ffa9694d7d6ad264"),
        ("4", bytes(range(1, 26)), b"\xcd" * 50, "6c11506874013cac6a2abc1bb382627c"),
        ("6", b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
         "95e9a0db962095adaebe9b2d6f0dbce2"),
        ("7", b"\xaa" * 131,
         b"This is a test using a larger than block-size key and a larger than block-size data. "
         b"The key needs to be hashed before being used by the HMAC algorithm.",
         "3a854166ac5d9f023f54d517d0b39dbd"),
    ]
    for case, key, message, first in rfc4231:
        # The RFC's codes with SHA-224 confirm that this implementation is correct.
        assert hmac.digest(key, message, "sha224").hex().startswith(first), case
        for name in ("sha224", "sha256", "sha384", "sha512") if case in "27" else ("sha256",):
            code = hmac.digest(key, message, name)
            comment = f"RFC 4231, case {case}, {name}"
            fields = {"digest": name, "key": key, "message": message}
            add("hmac", comment, code=code, **fields)
            if case == "2" and name in ("sha256", "sha512"):
                for bad, what in ((code[:-1], "truncated by a byte"), (code[:16], "truncated"),
                                  (b"", "no code"), (code + b"\0", "a byte more"),
                                  (flip(code, 0), "changed"), (flip(code, -1, 128), "changed last"),
                                  (bytes(len(code)), "zeros")):
                    add("hmac", f"{comment}: {what}", "false", code=bad, **fields)
                add("hmac", f"{comment}: of another message", "false", code=code,
                    **{**fields, "message": message + b"\0"})
                add("hmac", f"{comment}: of no message", "false", code=code,
                    **{**fields, "message": b""})
    for name in ("sha1", "sha224", "sha256", "sha384", "sha512"):
        for length in (0, 65, 129):
            key = Source(f"hmac {length}").take(length)
            add("hmac", f"{name}, a key of {length} bytes, no message", digest=name, key=key,
                message=b"", code=hmac.digest(key, b"", name))


# AES key wrap with padding


def wrap(key, head, padded):
    """The wrapping function of RFC 3394 with any head, as any holder of the key can call it."""
    def encrypt(block):
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)
    if len(padded) == 8:
        return encrypt(head + padded)
    blocks = [padded[i:i + 8] for i in range(0, len(padded), 8)]
    for turn in range(6):
        for index in range(len(blocks)):
            out = encrypt(head + blocks[index])
            step = len(blocks) * turn + index + 1
            head = (int.from_bytes(out[:8], "big") ^ step).to_bytes(8, "big")
            blocks[index] = out[8:]
    return head + b"".join(blocks)


def key_wrap():
    rfc = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
    plaintext = bytes.fromhex("c37b7e6492584340bed12207808941155068f738")
    wrapped = keywrap.aes_key_wrap_with_padding(rfc, plaintext)
    assert wrapped.hex() == "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"
    bad = "authenticationFailed"
    add("aes-kwp", "RFC 5649, 20 bytes, under a key of 192 bits", "invalidKey", key=rfc,
        plaintext=plaintext, wrapped=wrapped)
    source = Source("kwp")
    key = source.take(32)
    magic = bytes.fromhex("a65959a6")
    for length in (1, 7, 8, 9, 15, 16, 17, 20, 24, 32, 33, 64, 300):
        plaintext = source.take(length)
        wrapped = keywrap.aes_key_wrap_with_padding(key, plaintext)
        padded = plaintext + bytes(-length % 8)
        assert wrap(key, magic + length.to_bytes(4, "big"), padded) == wrapped
        add("aes-kwp", f"{length} bytes: valid", key=key, plaintext=plaintext, wrapped=wrapped)
        if length not in (1, 9, 16):
            continue

        def refuse(comment, wrapped, key=key):
            try:
                keywrap.aes_key_unwrap_with_padding(key, wrapped)
                raise AssertionError(comment)
            except (keywrap.InvalidUnwrap, ValueError):
                add("aes-kwp", f"{length} bytes: {comment}", bad, key=key,
                    plaintext=plaintext, wrapped=wrapped)

        for position in (0, 7, 8, len(wrapped) - 1):
            refuse(f"changed at {position}", flip(wrapped, position))
        refuse("another key", wrapped, flip(key, 31))
        refuse("a block more", wrapped + bytes(8))
        refuse("a byte more", wrapped + b"\0")
        refuse("a byte fewer", wrapped[:-1])
        refuse("a block fewer", wrapped[:-8])
        refuse("nothing", b"")
        refuse("the initial value of key wrap without padding", wrap(key, b"\xa6" * 8, padded))
        refuse("another constant", wrap(key, flip(magic, 3) + length.to_bytes(4, "big"), padded))
        for wrong, what in ((0, "of zero"), (len(padded) + 1, "one above the blocks"),
                            (len(padded) - 8, "of a block fewer"), (0x80000000, "of 2^31"),
                            (0xFFFFFFFF, "of 2^32 - 1")):
            refuse(f"a length {what}", wrap(key, magic + wrong.to_bytes(4, "big"), padded))
        if len(padded) > length:
            refuse("padding that is not zero",
                   wrap(key, magic + length.to_bytes(4, "big"), flip(padded, -1)))
            refuse("padding in the first byte that is not zero",
                   wrap(key, magic + length.to_bytes(4, "big"), flip(padded, length, 128)))
    for size in (0, 16, 31, 33):
        add("aes-kwp", f"a key of {size} bytes", "invalidKey", key=bytes(size), plaintext=b"a",
            wrapped=bytes(16))


# RSA


def is_prime(number):
    """Miller-Rabin test. The primes are for tests and not for secrets."""
    if any(number % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29):
        value = pow(base, odd, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


class RSAKey:
    def __init__(self, bits):
        source = Source(f"rsa {bits}")

        def prime():
            # The two highest bits are set, so that the product has its full length.
            number = source.number(bits // 2) | 3 << (bits // 2 - 2) | 1
            while not is_prime(number) or number % 65537 == 1:
                number += 2
            return number
        p, q = prime(), prime()
        self.n, self.e, self.size, self.bits = p * q, 65537, bits // 8, bits
        self.d = pow(self.e, -1, (p - 1) * (q - 1))
        public = rsa.RSAPublicNumbers(self.e, self.n)
        self.private = rsa.RSAPrivateNumbers(
            p, q, self.d, self.d % (p - 1), self.d % (q - 1), pow(q, -1, p), public).private_key()
        self.public = self.private.public_key()
        self.name = f"rsa-{bits}"
        assert self.n.bit_length() == bits
        keep(self.name, self.private)

    def encrypt(self, padded):
        return pow(int.from_bytes(padded, "big"), self.e, self.n).to_bytes(self.size, "big")

    def sign(self, padded):
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(self.size, "big")

    def above_modulus(self, value):
        """Returns the same residue as a larger number; None if that has too many bytes."""
        larger = int.from_bytes(value, "big") + self.n
        return larger.to_bytes(self.size, "big") if larger >> self.bits == 0 else None


def keep(name, private):
    keys[name] = {
        "private": text(private.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        "public": text(spki(private.public_key()))}


def spki(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def mgf1(name, seed, count):
    blocks = range(-(-count // HASHES[name].digest_size))
    return b"".join(digest(name, seed + i.to_bytes(4, "big")) for i in blocks)[:count]


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def oaep_encode(size, message, name, seed, mgf=None, label=b"", first=0, one=b"\x01", fill=None,
                label_hash=None):
    length = HASHES[name].digest_size
    block = label_hash or digest(name, label)
    block += fill if fill is not None else bytes(size - 2 * length - 2 - len(message))
    block += one + message
    masked = xor(block, mgf1(mgf or name, seed, len(block)))
    return bytes([first]) + xor(seed, mgf1(mgf or name, masked, length)) + masked


def oaep(rsa_keys):
    bad = "authenticationFailed"
    for key in rsa_keys:
        source = Source(f"oaep {key.bits}")
        for name in ("sha1", "sha256", "sha384", "sha512"):
            if key.bits != 2048 and name not in ("sha1", "sha256"):
                continue
            length = HASHES[name].digest_size
            longest = key.size - 2 * length - 2
            scheme = padding.OAEP(padding.MGF1(HASHES[name]), HASHES[name], None)

            def case(comment, error=None, padded=None, ciphertext=None, message=b"", key=key):
                if ciphertext is None:
                    ciphertext = key.encrypt(padded)
                try:
                    good = key.private.decrypt(ciphertext, scheme) == message
                except ValueError:
                    good = False
                assert good == (error is None), comment
                add("rsa-oaep", f"{key.bits} bits, {name}: {comment}", error, key=key.name,
                    digest=name, plaintext=message, ciphertext=ciphertext)

            def encode(message, **options):
                return oaep_encode(key.size, message, name, source.take(length), **options)

            for message, what in ((b"", "no message"), (source.take(1), "one byte"),
                                  (bytes(30), "zeros"), (source.take(32), "32 bytes"),
                                  (source.take(longest), "the longest message")):
                if (key.bits, name) != (2048, "sha256") and len(message) < 32:
                    continue
                case(what, padded=encode(message), message=message)
            add("rsa-oaep", f"{key.bits} bits, {name}: a message one byte too long", "libcrypto",
                key=key.name, digest=name, plaintext=bytes(longest + 1))
            message = source.take(32)
            if name in ("sha384", "sha512"):
                case("MGF1 of another hash", bad, encode(message, mgf="sha1"), message=message)
                continue
            case("the seed of zeros", padded=oaep_encode(key.size, message, name, bytes(length)),
                 message=message)
            if key.bits != 2048:
                continue
            good = key.encrypt(encode(message))
            other = "sha1" if name == "sha256" else "sha256"
            other_length = HASHES[other].digest_size
            case("another hash", bad, message=message, padded=oaep_encode(
                key.size, message, other, source.take(other_length)))
            case("MGF1 of another hash", bad, encode(message, mgf=other), message=message)
            case("zero", bad, ciphertext=bytes(key.size), message=message)
            case("the first byte is 1", bad, encode(message, first=1), message=message)
            if name == "sha1":
                continue
            case("a label", bad, encode(message, label=b"label"), message=message)
            case("the label's hash changed", bad, message=message, padded=encode(
                message, label_hash=flip(digest(name, b""), 0)))
            case("the label's hash changed in its last byte", bad, message=message, padded=encode(
                message, label_hash=flip(digest(name, b""), -1, 128)))
            case("the label's hash of zeros", bad, encode(message, label_hash=bytes(length)),
                 message=message)
            case("no 1 behind the padding", bad, message=message, padded=encode(
                bytes(longest), one=b"\0", fill=b""))
            case("a 2 for the 1", bad, encode(message, one=b"\x02"), message=message)
            gap = longest - len(message)
            case("padding that is not zero", bad, message=message, padded=encode(
                message, fill=bytes(gap - 1) + b"\x02"))
            case("padding that begins with ff", bad, message=message, padded=encode(
                message, fill=b"\xff" + bytes(gap - 1)))
            case("PKCS #1 v1.5 padding", bad, message=message, padded=b"\0\x02" + b"\xa5" * (
                key.size - 3 - len(message)) + b"\0" + message)
            case("no padding", bad, bytes(key.size - len(message)) + message, message=message)
            case("changed", bad, ciphertext=flip(good, 100), message=message)
            case("changed in the last bit", bad, ciphertext=flip(good, -1), message=message)
            case("truncated", bad, ciphertext=good[:-1], message=message)
            case("the first byte missing", bad, ciphertext=good[1:], message=message)
            case("a byte more", bad, ciphertext=good + b"\0", message=message)
            case("a zero before it", bad, ciphertext=b"\0" + good, message=message)
            case("empty", bad, ciphertext=b"", message=message)
            case("one", bad, ciphertext=(1).to_bytes(key.size, "big"), message=message)
            for number, what in ((key.n - 1, "the modulus less one"), (key.n, "the modulus"),
                                 ((1 << key.bits) - 1, "all bits set")):
                case(what, bad, ciphertext=number.to_bytes(key.size, "big"), message=message)
            while not (larger := key.above_modulus(key.encrypt(encode(message)))):
                pass
            case("a good ciphertext and the modulus", bad, ciphertext=larger, message=message)


def agree(verify, error, comment):
    try:
        verify()
        good = True
    except (InvalidSignature, ValueError):
        good = False
    assert good == (error is None), comment


def rsa_signature_case(group, key, name, message, scheme, prefix):
    def case(comment, error=None, padded=None, signature=None, message=message, name=name):
        if signature is None:
            signature = key.sign(padded)
        agree(lambda: key.public.verify(signature, message, scheme(HASHES[name]), HASHES[name]),
              error, comment)
        add(group, f"{prefix}: {comment}", error, key=key.name, digest=name, message=message,
            signature=signature)
    return case


def malformed_signatures(case, key, message, encode):
    """Errors that any RSA signature can have, with any padding."""
    good = key.sign(encode(message))
    no = "false"
    case("of another message", no, signature=good, message=message + b"\0")
    case("changed in the last bit", no, signature=flip(good, -1))
    case("truncated", no, signature=good[:-1])
    case("a byte more", no, signature=good + b"\0")
    case("a zero before it", no, signature=b"\0" + good)
    case("empty", no, signature=b"")
    for number, what in ((0, "zero"), (1, "one"), (key.n - 1, "the modulus less one"),
                         (key.n, "the modulus"), ((1 << key.bits) - 1, "all bits set")):
        case(what, no, signature=number.to_bytes(key.size, "big"))
    count = 0
    while not (larger := key.above_modulus(key.sign(encode(message + str(count).encode())))):
        count += 1
    case("a good signature and the modulus", no, signature=larger,
         message=message + str(count).encode())


def pss_encode(key, message, name, salt, mgf=None, trailer=b"\xbc", top=0, one=b"\x01", fill=0):
    length = HASHES[name].digest_size
    hashed = digest(name, bytes(8) + digest(name, message) + salt)
    block = bytearray(key.size - length - 2 - len(salt)) + one + salt
    block[0] |= fill
    masked = bytearray(xor(block, mgf1(mgf or name, hashed, len(block))))
    masked[0] = masked[0] & 0x7F | top
    return bytes(masked) + hashed + trailer


def pss(rsa_keys):
    no = "false"
    for key in rsa_keys:
        for name in ("sha256", "sha384", "sha512") if key.bits == 2048 else ("sha256",):
            length = HASHES[name].digest_size
            source = Source(f"pss {key.bits} {name}")
            message = source.take(20)
            case = rsa_signature_case(
                "pss", key, name, message,
                lambda h: padding.PSS(padding.MGF1(h), h.digest_size), f"{key.bits} bits, {name}")

            def encode(message, salt_length=length, **options):
                return pss_encode(key, message, name, source.take(salt_length), **options)

            case("valid", padded=encode(message))
            case("no message", padded=encode(b""), message=b"")
            case("a salt of zeros", padded=pss_encode(key, message, name, bytes(length)))
            longest = key.size - length - 2
            if key.bits != 2048:
                continue
            for salt_length in (0, length - 1, length + 1, longest) if name == "sha256" else (20,):
                case(f"a salt of {salt_length} bytes", no, encode(message, salt_length))
            case("MGF1 with SHA-1", no, encode(message, mgf="sha1"))
            if name != "sha256":
                continue
            other = "sha256" if name != "sha256" else "sha512"
            case("MGF1 of another hash", no, encode(message, mgf=other))
            case("another hash", no, pss_encode(
                key, message, other, source.take(HASHES[other].digest_size)))
            case("another trailer", no, encode(message, trailer=b"\xcc"))
            case("no 1 before the salt", no, encode(message, one=b"\0"))
            case("a 2 before the salt", no, encode(message, one=b"\x02"))
            case("padding that is not zero", no, encode(message, fill=1))
            while (padded := encode(message, top=0x80)) >= key.n.to_bytes(key.size, "big"):
                pass
            case("the highest bit set", no, padded)
            malformed_signatures(case, key, message, encode)


OIDS = {"sha1": "06052b0e03021a", "sha256": "0609608648016503040201",
        "sha384": "0609608648016503040202", "sha512": "0609608648016503040203"}


def digest_info(name, hashed, null=b"\x05\0", oid=None):
    algorithm = bytes.fromhex(oid or OIDS[name]) + null
    body = b"\x30" + bytes([len(algorithm)]) + algorithm + b"\x04" + bytes([len(hashed)]) + hashed
    return b"\x30" + bytes([len(body)]) + body


def pkcs1_encode(key, info, kind=b"\0\x01", count=None, separator=b"\0", byte=b"\xff", tail=b""):
    room = key.size - len(kind) - len(separator) - len(info)
    count = room if count is None else count
    return (kind + byte * count + separator + info + tail).ljust(key.size, b"\xee")


def pkcs1(rsa_keys):
    no = "false"
    for key in rsa_keys:
        for name in ("sha256", "sha384", "sha512") if key.bits == 2048 else ("sha256",):
            message = Source(f"pkcs1 {key.bits} {name}").take(20)
            case = rsa_signature_case(
                "pkcs1", key, name, message, lambda h: padding.PKCS1v15(),
                f"{key.bits} bits, {name}")
            hashed = digest(name, message)
            info = digest_info(name, hashed)

            def encode(message):
                return pkcs1_encode(key, digest_info(name, digest(name, message)))

            good = pkcs1_encode(key, info)
            assert key.sign(good) == key.private.sign(message, padding.PKCS1v15(), HASHES[name])
            case("valid", padded=good)
            case("no message", padded=encode(b""), message=b"")
            if name != "sha256" or key.bits != 2048:
                continue
            case("no NULL in the DigestInfo", no, pkcs1_encode(
                key, digest_info(name, hashed, null=b"")))
            case("an empty sequence for the NULL", no, pkcs1_encode(
                key, digest_info(name, hashed, null=b"\x30\0")))
            case("a NULL with content", no, pkcs1_encode(
                key, digest_info(name, hashed, null=b"\x05\x01\0")))
            case("the DigestInfo of another hash", no, pkcs1_encode(
                key, digest_info(name, hashed, oid=OIDS["sha1"])))
            case("a length in BER", no, pkcs1_encode(
                key, b"\x30\x81" + info[1:]))
            case("an indefinite length", no, pkcs1_encode(
                key, b"\x30\x80" + info[2:] + b"\0\0"))
            case("bytes behind the DigestInfo's hash, inside", no, pkcs1_encode(
                key, bytes([0x30, info[1] + 2]) + info[2:] + b"\x05\0"))
            case("a hash that is a byte short", no, pkcs1_encode(
                key, digest_info(name, hashed[:-1])))
            case("a hash that is a byte long", no, pkcs1_encode(
                key, digest_info(name, hashed + b"\0")))
            case("the hash alone", no, pkcs1_encode(key, hashed))
            case("no DigestInfo", no, pkcs1_encode(key, b""))
            case("padding of 8 bytes and bytes behind it", no, pkcs1_encode(key, info, count=8))
            case("padding of 7 bytes", no, pkcs1_encode(key, info, count=7))
            case("no padding", no, pkcs1_encode(key, info, count=0))
            case("a byte behind the DigestInfo", no, pkcs1_encode(
                key, info, count=key.size - 4 - len(info)))
            case("block type 0", no, pkcs1_encode(key, info, kind=b"\0\0"))
            case("block type 2", no, pkcs1_encode(key, info, kind=b"\0\x02"))
            case("the first byte is 1", no, pkcs1_encode(key, info, kind=b"\x01\x01"))
            case("padding of zeros", no, pkcs1_encode(key, info, byte=b"\0"))
            case("a padding byte of fe", no, flip(good, 20))
            case("no separator", no, pkcs1_encode(key, info, separator=b"\xff"))
            case("a separator of 1", no, pkcs1_encode(key, info, separator=b"\x01"))
            malformed_signatures(case, key, message, encode)


# Elliptic curves

CURVES = {
    "P-256": (ec.SECP256R1(), "sha256",
              0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "P-384": (ec.SECP384R1(), "sha384", int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)),
    "P-521": (ec.SECP521R1(), "sha512", int(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16)),
    "secp256k1": (ec.SECP256K1(), "sha256",
                  0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141),
}


def curve_key(name, purpose="signing"):
    curve, _, order = CURVES[name]
    number = Source(f"{purpose} {name}").number(order.bit_length() + 64) % (order - 1) + 1
    return ec.derive_private_key(number, curve)


def der(tag, body, long=0):
    """Returns one element. If the length is `long` bytes longer than necessary, it is only BER."""
    length = b"" if long == 0 and len(body) < 128 else len(body).to_bytes(
        (len(body).bit_length() + 7) // 8 + max(0, long - (len(body) < 128)), "big")
    head = bytes([len(body)]) if length == b"" else bytes([0x80 | len(length)]) + length
    return bytes([tag]) + head + body


def integer(value, pad=0, long=0):
    length = value.bit_length() // 8 + 1
    return der(2, bytes(pad) + value.to_bytes(length, "big", signed=value < 0), long)


def ecdsa():
    no = "false"
    for curve_name, (curve, name, order) in CURVES.items():
        key = curve_key(curve_name)
        keep(f"ec-{curve_name}", key)
        keep(f"ec-{curve_name}-other", curve_key(curve_name, "other"))
        source = Source(f"ecdsa {curve_name}")
        message = source.take(32)

        def sign(message, name=name):
            return key.sign(message, ec.ECDSA(HASHES[name], deterministic_signing=True))

        def case(comment, error=None, signature=None, message=message, name=name,
                 key_name=f"ec-{curve_name}"):
            if key_name == f"ec-{curve_name}":
                agree(lambda: key.public_key().verify(signature, message, ec.ECDSA(HASHES[name])),
                      error, comment)
            add("ecdsa", f"{curve_name}, {name}: {comment}", error, key=key_name, digest=name,
                message=message, signature=signature)

        def pair(r, s):
            return der(0x30, integer(r) + integer(s))

        good = sign(message)
        r, s = utils.decode_dss_signature(good)
        assert pair(r, s) == good
        case("valid", signature=good)
        for other, what in ((b"", "no message"), (source.take(200), "a long message")):
            case(what, signature=sign(other), message=other)
        # A hash that is longer than the curve's order and is truncated, and a shorter one.
        thorough = curve_name == "P-256"
        for other in ("sha1", "sha256", "sha384", "sha512"):
            if other != name and (thorough or other in ("sha256", "sha384")):
                case(f"valid with {other}", signature=sign(message, other), name=other)
                case(f"made with {other}", no, signature=sign(message, other))
        # Both s and n - s verify, which the API permits.
        case("n - s for s", signature=pair(r, order - s))
        bits = 8 * HASHES[name].digest_size
        zero = next(t for t in (source.take(8) for _ in range(100000))
                    if len(sign(t)) < len(good) - 1 or utils.decode_dss_signature(sign(t))[0]
                    .bit_length() <= order.bit_length() - 9)
        case("an r or s that is short", signature=sign(zero), message=zero)
        case("of another message", no, good, message + b"\0")
        case("of another key", no, good, key_name=f"ec-{curve_name}-other")
        wrong_curve = "P-384" if curve_name == "P-256" else "P-256"
        case("a key on another curve", no, good, key_name=f"ec-{wrong_curve}")
        for (first, second), what in (
                ((0, s), "r is 0"), ((r, 0), "s is 0"), ((0, 0), "both are 0"), ((1, 1), "both 1"),
                ((0, 1), "0 and 1"), ((1, 0), "1 and 0"), ((order, s), "r is n"),
                ((r, order), "s is n"), ((order, order), "both n"), ((order, 0), "n and 0"),
                ((-r, s), "r is negative"), ((r, -s), "s is negative"), ((-1, s), "r is -1"),
                ((r + order, s), "n more than r"), ((r, s + order), "n more than s"),
                ((r - order, s), "n less than r"), ((r, s - order), "n less than s"),
                ((order - r, s), "n - r for r"), ((s, r), "swapped"), ((r, r), "r twice"),
                ((order - 1, order - 1), "both n - 1"), ((r + (1 << bits), s), "r is too long"),
                ((r, s + (1 << 640)), "s is too long")):
            if thorough or what[0] in "rsn":
                case(what, no, pair(first, second))
        body = integer(r) + integer(s)
        # If the length needs its own byte, one more byte is only valid in BER too.
        case("a long form of the sequence's length", no, der(0x30, body, 2))
        case("a long form of r's length", no, der(0x30, integer(r, long=1) + integer(s)))
        case("a long form of s's length", no, der(0x30, integer(r) + integer(s, long=2)))
        case("an indefinite length", no, b"\x30\x80" + body + b"\0\0")
        case("r behind a zero too many", no, der(0x30, integer(r, pad=1) + integer(s)))
        case("s behind zeros too many", no, der(0x30, integer(r) + integer(s, pad=2)))
        case("a byte behind it", no, good + b"\0")
        case("an element behind it", no, good + b"\x05\0")
        case("an element more inside", no, der(0x30, body + b"\x05\0"))
        case("an integer more inside", no, der(0x30, body + integer(1)))
        for kept in (0, 2, len(good) - 1):
            case(f"truncated to {kept} bytes", no, good[:kept])
        if not thorough:
            continue
        case("only r", no, der(0x30, integer(r)))
        case("an empty sequence", no, b"\x30\0")
        case("a sequence of empty integers", no, der(0x30, b"\x02\0\x02\0"))
        case("a set", no, der(0x31, body))
        case("octet strings", no, der(0x30, b"".join(
            der(4, n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (r, s))))
        case("a length beyond its end", no, flip(good, -len(body) - 1, 0x7F))
        case("a length of 2^31", no, b"\x30\x84\x80\0\0\0" + body)
        case("a length of 2^64 - 1", no, b"\x30\x88" + b"\xff" * 8 + body)
        size = (order.bit_length() + 7) // 8
        case("r and s in plain bytes", no, r.to_bytes(size, "big") + s.to_bytes(size, "big"))
        case("changed in r", no, flip(good, len(good) - len(integer(s)) - 1))
        case("changed in s", no, flip(good, -1))


def with_point(public, point):
    """Returns the SubjectPublicKeyInfo of `public` with another point in it."""
    whole = spki(public)
    old = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    head = whole[:whole.index(old)]
    # 30 length 30 ... 03 length 00: the algorithm is between the two lengths.
    algorithm = head[head.index(b"\x30", 1):]
    algorithm = algorithm[:2 + algorithm[1]]
    return der(0x30, algorithm + der(3, b"\0" + point))


def ecdh():
    bad = "invalidKey"
    for curve_name in ("P-256", "P-384", "P-521"):
        curve, _, order = CURVES[curve_name]
        size = (curve.key_size + 7) // 8
        key, peer = curve_key(curve_name, "own"), curve_key(curve_name, "peer").public_key()
        name = f"ecdh-{curve_name}"
        keep(name, key)

        def point(public, form=PublicFormat.UncompressedPoint):
            return public.public_bytes(Encoding.X962, form)

        def case(comment, error=None, private=key, peer=peer, **fields):
            if private is not key:
                fields["private"] = private.private_bytes(
                    Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            fields.setdefault("public", spki(peer))  # not used if there is a point
            shared = private.exchange(ec.ECDH(), peer) if error is None else b""
            add("ecdh", f"{curve_name}: {comment}", error, key=name, shared=shared, **fields)

        case("valid")
        case("the peer's point compressed in its DER",
             public=with_point(peer, point(peer, PublicFormat.CompressedPoint)))
        case("the peer's point compressed", point=point(peer, PublicFormat.CompressedPoint))
        case("with itself", peer=key.public_key())
        one = ec.derive_private_key(1, curve)
        last = ec.derive_private_key(order - 1, curve)
        case("the private key 1", private=one)
        case("the private key 2", private=ec.derive_private_key(2, curve))
        case("the private key n - 1", private=last)
        case("the peer's private key 1", peer=one.public_key())
        case("the peer's private key n - 1", peer=last.public_key())
        # Enough candidates to find two leading zero bytes on the smaller curves.
        found = {}
        number = 2
        while len(found) < 2:
            candidate = ec.derive_private_key(number, curve)
            number += 1
            shared = candidate.exchange(ec.ECDH(), peer)
            zeros = size - len(shared.lstrip(b"\0"))
            wanted = 1 + (curve_name == "P-521")
            if zeros >= wanted and "front" not in found:
                found["front"] = candidate
                case(f"{zeros} zero bytes before the shared secret", private=candidate)
            if shared[-1] == 0 and "end" not in found:
                found["end"] = candidate
                case("a zero byte at the shared secret's end", private=candidate)
        # Points whose x is small, and points whose x has leading zeros.
        edge = 0
        for x in range(64):
            try:
                small = ec.EllipticCurvePublicKey.from_encoded_point(
                    curve, b"\x02" + x.to_bytes(size, "big"))
            except ValueError:
                continue
            case(f"the peer's x is {x}", peer=small)
            case(f"the peer's x is {x}, compressed", peer=small,
                 point=point(small, PublicFormat.CompressedPoint))
            edge += 1
            if edge == 2:
                break
        good = point(peer)
        compressed = point(peer, PublicFormat.CompressedPoint)
        negated = bytes([compressed[0] ^ 1]) + compressed[1:]
        case("the peer's point negated", point=negated,
             peer=ec.EllipticCurvePublicKey.from_encoded_point(curve, negated))
        prime = {"P-256": 2**256 - 2**224 + 2**192 + 2**96 - 1,
                 "P-384": 2**384 - 2**128 - 2**96 + 2**32 - 1, "P-521": 2**521 - 1}[curve_name]
        x, y = peer.public_numbers().x, peer.public_numbers().y

        def raw(x, y):
            return b"\x04" + x.to_bytes(size, "big") + y.to_bytes(size, "big")

        wrong_points = [
                (flip(good, -1), "off the curve"), (b"\0", "at infinity"),
                (raw(prime, y), "x is p"), (good + b"\0", "a byte long"),
                (b"\x02" + prime.to_bytes(size, "big"), "compressed, x is p"),
                (flip(good, 1), "another x"),
                (raw(x, 0), "y is 0"), (raw(0, 0), "both coordinates 0"), (raw(0, 1), "0 and 1"),
                (raw(prime - 1, prime - 1), "both p - 1"),
                (raw(x, prime), "y is p"), (raw(y, x), "swapped"),
                (b"", "empty"), (good[:-1], "a byte short"),
                (good[:1 + size], "x alone"), (b"\x05" + good[1:], "an unknown form"),
                (b"\0" + good[1:], "infinity with coordinates"),
                (b"\x02" + good[1:-1], "compressed, too long"),
                (bytes([6 | ~good[-1] & 1]) + good[1:], "hybrid, with the other sign")]
        # The first of them are tested on every curve.
        for wrong, what in wrong_points[:None if curve_name == "P-256" else 5]:
            case(f"the peer's point: {what}", bad, public=with_point(peer, wrong))
        for wrong, what in (
                (good, "uncompressed"), (b"\0", "at infinity"), (b"", "empty"),
                (compressed[:-1], "a byte short"), (compressed + b"\0", "a byte long"),
                (b"\x04" + compressed[1:], "marked uncompressed"),
                (b"\x06" + compressed[1:], "marked hybrid"),
                (b"\0" + compressed[1:], "marked infinity"),
                (b"\x02" + b"\xff" * size, "x beyond the field")):
            case(f"the peer's plain point: {what}", bad, point=wrong)
        for other in CURVES:
            if other != curve_name:
                case(f"a peer on {other}", bad, public=spki(curve_key(other).public_key()))
        case("a peer's key with another curve's name", bad, public=with_point(
            curve_key("P-384" if curve_name == "P-256" else "P-256").public_key(), good))
        case("an Ed25519 key for the peer's", bad, public=spki(
            ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()))
        whole = spki(peer)
        case("the peer's DER truncated", bad, public=whole[:-1])
        case("no DER", bad, public=b"")
        # Private keys outside their range, or with the public key of another.
        numbers = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        own = key.private_numbers().private_value.to_bytes(size, "big")
        for number, what in ((0, "0"), (order, "n"), (1, "1 with another's public half")):
            add("ecdh", f"{curve_name}: the private key {what}", bad, key=name, shared=b"",
                public=whole, private=numbers.replace(own, number.to_bytes(size, "big")))
        add("ecdh", f"{curve_name}: a private key with another's public half", bad, key=name,
            shared=b"", public=whole, private=numbers.replace(point(key.public_key()), good))


def edwards():
    no = "false"
    order = 2**252 + 27742317777372353535851937790883648493
    rfc8032 = [
        ("1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        ("2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
        ("3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    ]
    identity = b"\x01" + bytes(31)
    small = [identity, bytes(32), bytes(31) + b"\x80",
             b"\xec" + b"\xff" * 30 + b"\x7f", bytes.fromhex(
                 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), bytes.fromhex(
                 "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    for case_name, secret, message, public in rfc8032:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
        assert key.public_key().public_bytes_raw().hex() == public
        name = f"ed25519-{case_name}"
        keep(name, key)
        message = bytes.fromhex(message)
        good = key.sign(message)

        def case(comment, error=None, signature=good, message=message):
            agree(lambda: key.public_key().verify(signature, message), error, comment)
            add("ed25519", f"RFC 8032, test {case_name}: {comment}", error, key=name,
                message=message, signature=signature)

        case("valid")
        if case_name != "2":
            case("changed", no, flip(good, 40))
            continue
        r, s = good[:32], int.from_bytes(good[32:], "little")
        for number, what in ((s + order, "L more than s"), (s + 2 * order, "2 L more than s"),
                             (s + 8 * order, "8 L more than s"), (0, "s is 0"), (order, "s is L"),
                             (order - s, "L - s for s"), (order - 1, "s is L - 1"),
                             (2**256 - 1, "s of ones"), (s | 1 << 255, "the highest bit of s set")):
            case(what, no, r + number.to_bytes(32, "little"))
        for position, what in ((0, "r"), (31, "r's last byte"), (32, "s"), (62, "s high up")):
            case(f"changed in {what}", no, flip(good, position))
        case("the sign of r changed", no, flip(good, 31, 128))
        for point in small:
            case(f"r of small order, {point.hex()}", no, point + good[32:])
            case(f"r of small order, s is 0, {point.hex()}", no, point + bytes(32))
        case("r beyond the field", no, b"\xed" + b"\xff" * 30 + b"\x7f" + good[32:])
        case("swapped", no, good[32:] + good[:32])
        case("zeros", no, bytes(64))
        for kept in (0, 1, 32, 63):
            case(f"truncated to {kept} bytes", no, good[:kept])
        case("a byte more", no, good + b"\0")
        case("twice", no, good + good)
        case("of another message", no, message=message + b"\0")
    keep("ed25519-other", ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    add("ed25519", "of another key", no, key="ed25519-other", message=message, signature=good)


gcm()
kdf()
codes()
key_wrap()
rsa_keys = [RSAKey(bits) for bits in (2048, 3072, 4096)]
oaep(rsa_keys)
pss(rsa_keys)
pkcs1(rsa_keys)
ecdsa()
ecdh()
edwards()
path = pathlib.Path(__file__).with_name("vectors.json")


def sections(entries):
    """The vectors of each subject and the values that they share. A vector can have its own
    value instead."""
    for subject, members in itertools.groupby(
            entries, lambda entry: entry["comment"].partition(": ")[0]):
        members = list(members)
        shared = {name: value for name, value in members[0].items()
                  if name not in ("comment", "result", "error")
                  and all(name in member for member in members)}
        if len(errors := {member.get("error") for member in members} - {None}) == 1:
            shared["error"] = errors.pop()
        yield {"comment": subject, "shared": shared, "tests": [
            {name: value for name, value in member.items() if shared.get(name) != value} | {
                "comment": member["comment"].partition(": ")[2]} for member in members]}


def lines(section):
    """Writes one vector in a line, so that a diff shows each change."""
    head = dump({name: section[name] for name in ("comment", "shared")})
    tests = ",\n".join(dump(test) for test in section["tests"])
    return f'{head[:-1]},"tests":[\n{tests}\n]}}'


def dump(value):
    return json.dumps(value, separators=(",", ":"))


path.write_text('{"keys": {\n' + ",\n".join(
    f"{dump(name)}:{dump(value)}" for name, value in keys.items())
    + '\n}, "groups": {\n' + ",\n".join(
        f"{dump(name)}:[\n" + ",\n".join(lines(section) for section in sections(entries))
        + "\n]" for name, entries in groups.items()) + "\n}}\n")
print(path.stat().st_size, "bytes;", {name: len(entries) for name, entries in groups.items()})
