"""Key material wrapped for import, as its owner would with another program: RSA-OAEP with SHA-256."""
import base64, hashlib, os


def _part(data):
    """Returns the contents of the first DER element, and the bytes after it."""
    length, at = data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at], "big")
    return data[at:at + length], data[at + length:]


def _numbers(spki):
    """Returns the modulus and the exponent of a SubjectPublicKeyInfo."""
    _, bits = _part(_part(spki)[0])
    modulus, rest = _part(_part(_part(bits)[0][1:])[0])
    return int.from_bytes(modulus, "big"), int.from_bytes(_part(rest)[0], "big")


def _mask(seed, count):
    blocks = (hashlib.sha256(seed + n.to_bytes(4, "big")).digest() for n in range(-(-count // 32)))
    return b"".join(blocks)[:count]


def _xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def wrapped(material, publicKey):
    """Takes the public key and returns the result in base64, as the API does."""
    modulus, exponent = _numbers(base64.b64decode(publicKey))
    size = -(-modulus.bit_length() // 8)
    block = hashlib.sha256(b"").digest() + bytes(size - len(material) - 66) + b"\1" + material
    seed = os.urandom(32)
    block = _xor(block, _mask(seed, len(block)))
    number = int.from_bytes(b"\0" + _xor(seed, _mask(block, 32)) + block, "big")
    return base64.b64encode(pow(number, exponent, modulus).to_bytes(size, "big")).decode()
