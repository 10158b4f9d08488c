#!/usr/bin/env python3
"""Writes the seeds of every fuzz target, corpus/TARGET/seed-*: valid inputs, and inputs that are
almost valid.

The inputs that libFuzzer found are in the same directories under other names and are kept. Run
this by hand after a change of a format. It needs only Python.
"""

import base64
import glob
import hashlib
import hmac
import json
import os
import re
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "../Tests/EnvelopeTests/Vectors/reference-sdk")
AUDIT_KEY = bytes([7]) * 32
# The public keys of the signing keys in AuthenticMessage.swift.
POINTS = {
    "p256": b"A+rSGFkBGeiHaykUb/icphdwxO27+X04zjhe0oHYprIw",
    "p384": b"A5gDgH8vbS/ZZs3QKQvUEMAZA1L77H/2JH3hMC34byXTT+Spe+9gz/VINVwBXbs+Xw==",
}
SUITES = {
    0x0014: None, 0x0046: None, 0x0078: None, 0x0114: None, 0x0146: None, 0x0178: None,
    0x0214: "p256", 0x0346: "p384", 0x0378: "p384", 0x0478: None, 0x0578: "p384",
}
HEADER, BODY, SIGNATURE, ARMORED, DISCARDS, INSPECTED = 1, 2, 4, 8, 16, 32


def write(target, seeds):
    directory = os.path.join(HERE, "corpus", target)
    os.makedirs(directory, exist_ok=True)
    for old in glob.glob(os.path.join(directory, "seed-*")):
        os.unlink(old)
    for number, seed in enumerate(seeds):
        with open(os.path.join(directory, f"seed-{number:03}"), "wb") as file:
            file.write(seed)


def block(data):
    return struct.pack(">H", len(data)) + data


# Messages: tags are zero, and the target corrects them.


def context(pairs):
    if not pairs:
        return block(b"")
    serialized = struct.pack(">H", len(pairs))
    for key, value in sorted(pairs.items()):
        serialized += block(key) + block(value)
    return block(serialized)


def header(suite, frame_length, pairs=None, keys=1):
    pairs = dict(pairs or {})
    if SUITES[suite]:
        pairs[b"aws-crypto-public-key"] = POINTS[SUITES[suite]]
    committing = suite >= 0x0400
    wrapped = struct.pack(">H", keys)
    for number in range(keys):
        wrapped += block(b"tests") + block(b"key-%d" % number) + block(bytes(48))
    content = b"\x02" if frame_length else b"\x01"
    length = struct.pack(">I", frame_length)
    if committing:
        front = b"\x02" + struct.pack(">H", suite) + bytes(range(32))
        return front + context(pairs) + wrapped + content + length + bytes(32) + bytes(16)
    front = b"\x01\x80" + struct.pack(">H", suite) + bytes(range(16))
    middle = content + bytes(4) + b"\x0c" + length
    return front + context(pairs) + wrapped + middle + bytes(12) + bytes(16)


def frames(plaintext, length):
    body = b""
    pieces = [plaintext[i:i + length] for i in range(0, len(plaintext), length)] or [b""]
    for number, piece in enumerate(pieces, 1):
        nonce = number.to_bytes(12, "big")
        if number < len(pieces):
            body += struct.pack(">I", number) + nonce + piece + bytes(16)
        else:
            body += b"\xff" * 4 + struct.pack(">I", number) + nonce
            body += struct.pack(">I", len(piece)) + piece + bytes(16)
    return body


def whole(plaintext):
    return (1).to_bytes(12, "big") + struct.pack(">Q", len(plaintext)) + plaintext + bytes(16)


def messages():
    good = HEADER | BODY | SIGNATURE | INSPECTED
    for suite in SUITES:
        for frame_length, count in ((16, 0), (16, 16), (16, 100), (1, 5), (4096, 20), (0, 0), (0, 50)):
            plaintext = bytes(i & 255 for i in range(count))
            body = frames(plaintext, frame_length) if frame_length else whole(plaintext)
            yield bytes([good, 31]) + header(suite, frame_length, {b"stage": b"test"}) + body
    plain = header(0x0478, 16) + frames(b"0123456789" * 30, 16)
    for choice in (0, HEADER, HEADER | BODY, good | ARMORED, good | DISCARDS, HEADER | BODY | ARMORED | DISCARDS):
        yield bytes([choice, 7]) + plain
    yield bytes([good, 0]) + plain + b"behind it"
    yield bytes([good, 0]) + plain[:-1]
    yield bytes([good, 200]) + header(0x0478, 64, {b"k%d" % i: b"v" * i for i in range(20)}, keys=16)
    yield bytes([good, 200]) + header(0x0478, 64, keys=17)
    yield bytes([good, 200]) + header(0x0478, 0xFFFFFFFF) + frames(b"", 1)
    yield bytes([good, 200]) + header(0x0478, 0) + bytes(12) + struct.pack(">Q", 64 << 30)
    yield bytes([good | DISCARDS, 200]) + header(0x0478, 0) + bytes(12) + struct.pack(">Q", 64 << 30)
    yield bytes([0, 3]) + armor(plain)
    manifest = json.load(open(os.path.join(VECTORS, "manifest.json")))["tests"]
    small = {}
    for name, test in sorted(manifest.items()):
        path = os.path.join(VECTORS, test["ciphertext"].removeprefix("file://"))
        kind = (test["algorithmSuiteId"], test["description"].split()[-1] == "0", "output" in test["result"])
        if 100 < os.path.getsize(path) < 1200 and kind not in small:
            small[kind] = open(path, "rb").read()
    for message in small.values():
        yield bytes([0, 100]) + message


def armor(message):
    text = base64.b64encode(message)
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return b"\n".join(
        [b"-----BEGIN ENVCRYPT MESSAGE-----", *lines, b"-----END ENVCRYPT MESSAGE-----", b""])


def armors():
    for count in (0, 1, 2, 3, 47, 48, 49, 96, 100, 500):
        yield bytes([count & 255]) + armor(bytes(i & 255 for i in range(count)))
    text = armor(bytes(range(120)))
    for step in (0, 1, 64, 65, 255):
        yield bytes([step]) + text
    for near in (
        text.replace(b"\n", b"\r\n"), b"\n\n  \n" + text, text + b"\n\n", text[:-1], text[:60], text[:-20],
        text + b"x", text.replace(b"END", b"BEGIN"), text.replace(b"\n", b" \n"), b"-" * 2000, b" " * 2000,
        b"-----BEGIN ENVCRYPT MESSAGE-----\n" + b"A" * 2000, text.replace(b"=", b""), b"====\n",
        b"-----BEGIN ENVCRYPT MESSAGE-----\nAA==\nAAAA\n-----END ENVCRYPT MESSAGE-----\n",
        b"-----BEGIN ENVCRYPT MESSAGE-----\n====\n-----END ENVCRYPT MESSAGE-----\n",
        b"-----BEGIN ENVCRYPT MESSAGE-----\n    \n-----END ENVCRYPT MESSAGE-----\n",
    ):
        yield b"\x09" + near


def keyrings():
    keys = json.load(open(os.path.join(VECTORS, "keys.json")))["keys"]
    aes = {"provider-id": "p", "key-id": "k", "algorithm": "aes", "type": "symmetric", "bits": 256,
           "encoding": "base64", "material": base64.b64encode(bytes(32)).decode()}

    def dump(*entries):
        return json.dumps({"keys": list(entries)}).encode()

    yield dump(aes)
    yield dump(dict(aes, bits=128))
    for count in (16, 24, 31, 0):
        yield dump(dict(aes, bits=count * 8, material=base64.b64encode(bytes(count)).decode()))
    yield dump({k: v for k, v in aes.items() if k != "bits"})
    yield dump({k: v for k, v in aes.items() if k != "material"})
    yield dump(dict(aes, material="===="))
    yield dump(dict(aes, bits=-1))
    yield dump(dict(aes, bits=1e99))
    yield dump(dict(aes, algorithm="des"))
    yield dump(*[dict(aes, **{"key-id": str(i)}) for i in range(20)])
    yield dump()
    yield json.dumps({"keys": {"a": aes, "b": dict(aes, bits=None)}}).encode()
    yield b'{"keys":' + b"[" * 100 + b"]" * 100 + b"}"
    for name in ("rsa-2048-private", "rsa-2048-public"):
        key = keys[name]
        for padding in ({"padding-algorithm": "pkcs1"}, {},
                        *({"padding-algorithm": "oaep-mgf1", "padding-hash": h} for h in ("sha1", "sha256", "sha512"))):
            yield dump({"provider-id": "p", "key-id": name, "algorithm": "rsa", "type": key["type"],
                        "bits": 2048, "encoding": "pem", "material": key["material"], **padding})
    yield keys["rsa-2048-private"]["material"].encode()
    yield keys["rsa-2048-public"]["material"].encode()
    scalars = {
        "30310201010420" + "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"
        + "a00a06082a8648ce3d030107": "EC",
        "303e0201010430" + "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b1"
        + "5618b6818a661774ad463b205da88cf699ab4d43c9cf98a1" + "a00706052b81040022": "EC",
    }
    for der in scalars:
        text = base64.encodebytes(bytes.fromhex(der)).decode()
        pem = f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"
        yield pem.encode()
        yield dump({"provider-id": "raw-ecdh", "key-id": "x", "algorithm": "ecdh", "type": "private",
                    "encoding": "pem", "material": pem})
    yield b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    yield b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
    yield (b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"
           b"00000000000000000000000000000000\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")


def recipients():
    """The samples of the unit tests, each in the forms that it may be found in."""
    with open(os.path.join(HERE, "../Tests/TestSupport/PublicKeySamples.swift"), encoding="utf-8") as file:
        found = re.findall(r'static let (\w+) = """\n(.*?)\n    """', file.read(), re.S)
    samples = {name: re.sub(r"[\\\s]", "", text) for name, text in found}
    ssh = {"rsaSSH": "ssh-rsa", "p256SSH": "ecdsa-sha2-nistp256", "p384SSH": "ecdsa-sha2-nistp384",
           "p521SSH": "ecdsa-sha2-nistp521", "ed25519SSH": "ssh-ed25519", "dsaSSH": "ssh-dss"}
    for name, text in samples.items():
        if name in ssh:
            yield f"{ssh[name]} {text} a comment\n".encode()
        elif not name.endswith("SSH"):
            yield base64.b64decode(text)
            label = "PUBLIC KEY" if name.endswith("Info") else "CERTIFICATE"
            yield f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n".encode()
    yield f'restrict,command="a \\"b\\"" ssh-rsa {samples["rsaSSH"]}\n# b\n\nkeys/bob.pem\n'.encode()


def tomls():
    """The valid and the invalid files of the unit tests."""
    with open(os.path.join(HERE, "../Tests/envcryptTests/TOMLReaderTests.swift"), encoding="utf-8") as file:
        texts = sorted(set(re.findall(r'"(a = (?:[^"\\]|\\.)*)"', file.read())))
    for text in texts:
        yield re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), text) \
            .replace('\\"', '"').replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\").encode()
    yield (b'# all\r\nkeystore = "~/k.db" # b\n\nkey = [ # c\n "alias/\\u00e9", \'alias/b\',\n]\njobs = 0x1_0\n'
           b'"passphrase-command" = "pass show \\"a\\""\nkey-file = "../k"\n')


def contexts():
    for arguments in (
        [b"stage=prod"], [b"a=1", b"b=2", b"c="], [b"a=1", b"a=2"], [b"=x"], [b"x"], [b""], [b"a=b=c"],
        ["a=\u0301x=y".encode()], ["ä=ö".encode(), "a\u0308=x".encode()], [b"a=\xff"], [b"\xff=a"],
        [b"aws-crypto-public-key=x"], ["aws-crypto-\u0301=x".encode()], [b"aws-crypto=x"],
        ["\U0010fe41=x".encode()], [b"k" * 300 + b"=" + b"v" * 300], [b"a=\r\nb"], [b"a\r\n=b"], [b"a=\n"],
        [b"a=\t\x1b[31m"], ["\u202e=\u2066".encode()], [b"k%d=v" % i for i in range(50)],
        ["👩\u200d👩=x".encode()], ["\u0345=\u0345=".encode()], ["a\u0338=b".encode()],
    ):
        yield b"\0".join(arguments)
    for pairs in ({b"a": b"b"}, {b"%d" % i: b"v" for i in range(30)}, {b"": b""}, {b"\xff": b"x"}):
        yield context(pairs)[2:]
    yield struct.pack(">H", 2) + (block(b"a") + block(b"b")) * 2
    yield struct.pack(">H", 2) + block(b"b") + block(b"x") + block(b"a") + block(b"y")


def blobs():
    yield b"ENV\x01" + bytes(range(16)) + struct.pack(">I", 1) + bytes(12) + bytes(16)
    yield b"ENV\x01" + bytes(range(16)) + struct.pack(">I", 7) + bytes(12) + bytes(60)
    yield b"ENV\x01" + bytes(16) + struct.pack(">I", 0) + bytes(12) + bytes(20)
    yield b"ENV\x02" + bytes(52)
    yield b"ENV\x01" + bytes(20)
    yield b"key" + struct.pack(">II", 128, 12) + bytes(12)
    yield struct.pack(">II", 128, 12) + bytes(range(12))
    yield b"key" + struct.pack(">II", 96, 12) + bytes(12)
    yield bytes(range(100))
    yield b"12345678-1234-1234-1234-123456789abc/1"
    yield b"12345678-1234-1234-1234-123456789abc/9223372036854775807"
    yield b"12345678-1234-1234-1234-123456789ABC/01"
    points = [base64.b64decode(POINTS["p256"]), base64.b64decode(POINTS["p384"])]
    for recipient in points:
        for sender in points:
            yield (b"\x01" + struct.pack(">I", len(recipient)) + recipient
                   + struct.pack(">I", len(sender)) + sender)
    yield b"\x01" + struct.pack(">I", 0xFFFFFFFF) + points[0]
    yield b"\x01" + (struct.pack(">I", 33) + b"\x02" + bytes(32)) * 2


def shorthands():
    for text in (
        "TagKey=a,TagValue=b", 'k=v,k2="a,b"', r"k='it\'s',c=d", r'k="a\\b"', r"k=a\,b,c=d", "a=b,c", "a=",
        "=x", "a=[x,y]", 'a=[x,"y,z"],b={c=d,e=[f]}', "a={}", "a=[]", "k=[a,]", "k=[,a]", "k=[[a],[b]]",
        "k=[{x=y},{x=z}]", "k={a={b={c=d}}}", "a = b , c = d", "k=a,b,c=d,e=f", "k=a,,b=c", "k=]", "k='',l=x",
        "aws:x/y#.1-_=z", "k=é,l=ü", "k@=v", "k@=a,l={m@=x},n=y", "", "a", ",a=b", "a==b", 'k="a"b',
        "k=a,[b", "k={a=b}c", "k=" + "[" * 40, "a={" * 40, "k=a,b,c", "k=a,b =", "a=b\u0301,c=\u0301d",
    ):
        yield text.encode()


def kms():
    for arguments in (
        ["encrypt", "--key-id", "alias/x", "--plaintext", "aGk=", "--encryption-context", "stage=prod,note='a,b'"],
        ["encrypt", "--key-id=alias/a=b", "--plaintext", "aGk=", "--grant-tokens", "a", "b", "--no-dry-run"],
        ["decrypt", "--ciphertext-blob", "AAAA", "--encryption-context", '{"stage":"prod"}'],
        ["create-key", "--tags", "TagKey=a,TagValue=1", "TagKey=b,TagValue="],
        ["create-key", "--tags", '[{"TagKey":"a","TagValue":"1"}]', "--key-spec", "RSA_2048", "--key-usage", "SIGN_VERIFY"],
        ["create-key", "--cli-input-json", '{"Description":"x","Tags":[{"TagKey":"a","TagValue":"b"}],"MultiRegion":false}'],
        ["create-key", "--description", "d", "--policy", '{"Version":"2012-10-17","Statement":[]}'],
        ["tag-resource", "--key-id", "k", "--tags", " [{\"TagKey\":\"a\",\"TagValue\":\"1\"}]"],
        ["untag-resource", "--key-id", "k", "--tag-keys", "a", "b c"],
        ["generate-data-key", "--key-id", "k", "--number-of-bytes", "32"],
        ["generate-data-key", "--key-id", "k", "--key-spec", "AES_256", "--recipient", "KeyEncryptionAlgorithm=RSAES_OAEP_SHA_256"],
        ["import-key-material", "--key-id", "k", "--import-token", "AAAA", "--encrypted-key-material", "AAAA", "--valid-to", "2026-11-23T20:15:00Z"],
        ["import-key-material", "--key-id", "k", "--valid-to", "1e9", "--expiration-model", "KEY_MATERIAL_EXPIRES"],
        ["create-grant", "--key-id", "k", "--operations", "Encrypt", "Decrypt", "--constraints", "EncryptionContextSubset={a=b,c=d}"],
        ["schedule-key-deletion", "--key-id", "k", "--pending-window-in-days", "7"],
        ["list-keys", "--limit", "10", "--marker", "x"], ["list-keys", "--query", "x"], ["list-keys", "operand"],
        ["list-keys", "--cli-input-json", '{"Limit":' + "[" * 50 + "]" * 50 + "}"],
        ["sign", "--key-id", "k", "--message", "aGk=", "--message-type", "RAW", "--signing-algorithm", "ECDSA_SHA_256"],
        ["encrypt", "--key-id", "k", "--plaintext", "hi", "--cli-binary-format", "raw-in-base64-out"],
        ["enable-key-rotation", "--key-id", "k", "--rotation-period-in-days", "99999999999999999999"],
        ["get-public-key", "--key-id", ""], ["describe-key"], ["describe-key", "--key-idd", "x"], ["describe-key", "--"],
        ["rotate-key-on-demand", "--key-id", "a", "--key-id", "b"], ["create-alias", "--alias-name", "alias/x", "--target-key-id", "y"],
    ):
        yield "\0".join(arguments).encode()


def audits():
    def code(body):
        return hmac.new(AUDIT_KEY, body, hashlib.sha256).digest()

    def entry(number, previous, text=b"Encrypt", time=1000):
        body = struct.pack(">Q", number) + previous + struct.pack(">Q", time * number % 2**64)
        body += block(text) + block(b"caller") + block(b"key") + struct.pack(">I", 1)
        body += block(b"") + bytes(16) + block(b"") + block(b"")
        return body + code(body)

    def log(numbers, first=1, end=None, last=None, pruned=0, base=bytes(32)):
        previous, written = base, b""
        for number in numbers:
            one = entry(number, previous)
            written += struct.pack(">I", len(one)) + one
            previous = one[-32:]
        head = b"ENVA\x01" + struct.pack(">Q", first) + base + struct.pack(">Q", pruned)
        head += struct.pack(">Q", numbers[-1] if last is None and numbers else last or 0) + previous
        head += struct.pack(">Q", 133 + len(written) if end is None else end)
        return head + code(head) + written

    logs = [log([]), log([1]), log([1, 2, 3]), log(list(range(1, 9))), log([3, 4], first=3, pruned=2),
            log([3, 4], first=3), log([1, 3]), log([2, 1]), log([1, 1]), log([0], first=0), log([1, 2], last=1),
            log([1, 2], end=2**64 - 1), log([1], first=2**64 - 1), log([2**64 - 1], first=2**64 - 1),
            log([1], last=2**64 - 1), log([1, 2])[:-5], log([1, 2]) + bytes(40), log([1], first=0), b""]
    for number, one in enumerate(logs):
        for mode in (1, 0x17) if number % 2 else (7, 0x40):
            yield bytes([mode]) + one


ROOT = {"AWS": "arn:aws:iam::000000000000:root"}


def policies():
    def policy(*statements, **more):
        return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)}).encode()

    def allow(**more):
        return {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"} | more

    def condition(comparison, key, value):
        return policy(allow(Condition={comparison: {key: value}}))

    yield policy(allow(Sid="account"), Id="key-default-1")
    yield policy(allow(), allow(Effect="Deny", Principal="*", Action=["kms:Decrypt", "kms:TagResourse*"]))
    yield policy(allow(Principal={"AWS": ["000000000000", "arn:aws:iam::111122223333:role/x"]}))
    yield policy({key: value for key, value in allow(NotAction="kms:Put*").items() if key != "Action"})
    yield condition("StringEquals", "kms:EncryptionContext:purpose", ["backup", "test"])
    yield condition("ForAllValues:StringLike", "kms:EncryptionContextKeys", "a*?")
    yield condition("NumericLessThanEqualsIfExists", "kms:RotationPeriodInDays", "90")
    yield condition("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z")
    yield condition("Bool", "kms:BypassPolicyLockoutSafetyCheck", True)
    yield condition("Null", "aws:RequestTag/team", "true")
    yield condition("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/${aws:username}")
    yield condition("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com")
    yield b'{"Statement": [], "Statement": {}}'
    yield b'{"Statement": ' + b"[" * 40 + b"]" * 40 + b"}"


def jsons():
    yield b'{"a": [1, -2.5e+3, true, null, {"b\\u00e9\\n": "\xc3\xa9\\ud83d\\ude00"}], "c": {}, "d": [[], false, 0.5]}'
    for text in "0", "-0", "-1.50E-07", "1e400", "9223372036854775807", "9223372036854775808", "true", "null", '""', " [ ] ":
        yield text.encode()
    yield json.dumps({"encryptionContextSubset": {"k": "v", "\u00e9": "1", "e\u0301": "2"}}, ensure_ascii=False).encode()
    yield json.dumps({"EncryptionContextEquals": {"k": "v\u2028\u202e"}}).encode()
    yield json.dumps([{"TagKey": "a", "TagValue": "b"}, {"TagKey": "", "TagValue": "/"}]).encode()
    yield json.dumps({"KeyId": "k", "NumberOfBytes": 32, "KeySpec": "AES_256", "GrantTokens": ["t"], "DryRun": False}).encode()
    yield json.dumps({"KeyId": "k", "Operations": ["Encrypt"], "GranteePrincipal": "p", "Constraints": {
        "EncryptionContextSubset": {"a": "b"}}}).encode()
    yield json.dumps({"KeyId": "k", "ImportToken": "AAAA", "EncryptedKeyMaterial": "aGk=", "ValidTo": 1795464900.25}).encode()
    yield json.dumps({"name": "s", "stackID": "i", "parameters": {"P": "x"}, "imports": [], "outputs": [], "resources": [
        {"logicalID": "a", "physicalID": "alias/a", "deletionPolicy": "Delete",
         "properties": {"alias": {"_0": {"aliasName": "alias/a", "targetKeyID": "k"}}}}]}).encode()
    yield json.dumps({"a": [1, -128, 127], "b": []}).encode()
    yield b'{"a": 1, "\\u0061": 2}'
    yield b'[1,] // x'
    yield b'\xef\xbb\xbf{}'
    yield b'"\\ud800" "\xed\xa0\x80" \'a\''
    yield b"[" * 70 + b"]" * 70


def templates():
    with open(os.path.join(HERE, "../Tests/TestSupport/example.yaml"), "rb") as file:
        yield file.read()
    key = b"Resources:\n  k:\n    Type: AWS::KMS::Key\n"
    yield key
    yield b'{"Resources": {"k": {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}}}}'
    yield key + b"    DeletionPolicy: Retain\n    Properties: {Tags: [{Key: a, Value: !Sub '${AWS::StackName}-x'}]}\n"
    yield b"Parameters: {P: {Type: String, Default: x, AllowedValues: [x, y]}}\nConditions: {C: !Equals [!Ref P, x]}\n" + key + (
        b"    Condition: C\n    Properties: {Description: !If [C, !Join ['-', [a, !Ref P]], !Ref AWS::NoValue]}\n")
    yield key + b"  a:\n    Type: AWS::KMS::Alias\n    DependsOn: k\n    Properties: {AliasName: alias/a, TargetKeyId: !GetAtt k.Arn}\n"
    yield key + b"Outputs: {O: {Value: !Select [1, !Split [':', !GetAtt k.Arn]], Export: {Name: n}}}\n"
    yield key + b"Outputs: {O: {Value: !ImportValue n}}\n"
    yield b"Conditions: {A: !Not [!Condition B], B: !And [!Condition A, !Or [!Condition A, !Condition B]]}\n" + key
    yield b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + key
    yield b"? {[a]: b}\n: c\n" + key
    yield b"[" * 60 + b"]" * 60


# Keystores: changes to a valid one, its journal and a write-ahead log, and complete files.


def keystores():
    RAW, JOURNAL, LOG, READ_ONLY, ACCEPTING = 1, 2, 4, 8, 16
    DATABASE_FILE, JOURNAL_FILE, LOG_FILE = 0, 2, 3
    MARK = bytes([0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7])

    def change(file, offset, data):
        return bytes([file]) + offset.to_bytes(3, "big") + bytes([len(data)]) + data

    def seed(mode, *changes):
        return bytes([mode]) + b"".join(changes)

    yield seed(0)
    yield seed(JOURNAL)
    yield seed(READ_ONLY)
    yield seed(ACCEPTING)
    # The header: WAL mode, page size, reserved bytes, encoding, another program's file, the number of the schema.
    for offset, data in (18, b"\2\2"), (16, b"\2\0"), (16, b"\0\1"), (20, b"\x20"), (56, b"\0\0\0\2"), (68, b"\0" * 4), (40, b"\xff" * 4):
        yield seed(0, change(DATABASE_FILE, offset, data))
    # The header of the first page, and its first pointers.
    for offset in 100, 101, 103, 105, 108, 112, 114:
        yield seed(0, change(DATABASE_FILE, offset, b"\0\1"))
        yield seed(READ_ONLY, change(DATABASE_FILE, offset, b"\xff\xff"))
    # Every page: a byte of its header, and some bytes in the middle and at the end.
    for page in range(2, 27):
        yield seed(ACCEPTING, change(DATABASE_FILE, (page - 1) * 4096, b"\x05"))
        yield seed(0, change(DATABASE_FILE, page * 4096 - 40, b"\x80" * 8))
        yield seed(ACCEPTING, change(DATABASE_FILE, (page - 1) * 4096 + 3, b"\0\0"))
    # A journal that rolls back more, a journal with a super-journal, and a log that belongs to no file.
    yield seed(JOURNAL, change(JOURNAL_FILE, 8, b"\xff\xff\xff\xff"))
    yield seed(JOURNAL, change(JOURNAL_FILE, 16, b"\0\0\0\1"))
    yield seed(JOURNAL, change(JOURNAL_FILE, 516 + 100, b"\x0d\0\0\0\0"))
    name = b"/dev/shm/envcrypt-fuzz-victim"
    yield seed(JOURNAL, change(JOURNAL_FILE, 512 + 4096 + 8, struct.pack(">I", 0x40000000 // 4096 + 1) + name
                               + struct.pack(">II", len(name), sum(name)) + MARK))
    yield seed(LOG)
    yield seed(LOG, change(LOG_FILE, 0, struct.pack(">IIIIIIII", 0x377F0682, 3007000, 4096, 0, 1, 2, 3, 4)))
    # Complete files with small pages.
    import sqlite3
    for statements in (
        "CREATE TABLE a (b)",
        "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY); INSERT INTO grdb_migrations VALUES ('3: ledger')",
        "CREATE TABLE grdb_migrations (a); CREATE TRIGGER t AFTER INSERT ON grdb_migrations BEGIN SELECT 1; END;"
        "CREATE VIEW v AS SELECT 1; CREATE TABLE g (a, b AS (a)); CREATE TABLE l (a /*" + "x" * 2000 + "*/)",
    ):
        database = sqlite3.connect(":memory:")
        database.executescript(f"PRAGMA page_size = 512; PRAGMA application_id = {0x454E5643}; {statements}")
        yield seed(RAW) + database.serialize()
    # A keystore's first row with the length 2^32 + n, of which SQLite keeps n, and other longer forms of a number.
    database = sqlite3.connect(":memory:")
    database.executescript(f"PRAGMA page_size = 512; PRAGMA application_id = {0x454E5643}; CREATE TABLE a (b)")
    image = database.serialize()
    cell = image[108] << 8 | image[109]
    for high in 1, 2, 7, 8:
        number = (high << 32) + image[cell]
        for count in range(5, 9):
            length = bytes((number >> 7 * i & 0x7F) | (0x80 if i else 0) for i in reversed(range(count)))
            start = cell + 1 - len(length)
            other = image[:108] + start.to_bytes(2, "big") + image[110:start] + length + image[cell + 1:]
            yield seed(RAW) + other


for target, seeds in {
    "armor": armors(), "audit": audits(), "blob": blobs(), "context": contexts(), "json": jsons(), "keyring": keyrings(),
    "keystore": keystores(),
    "kms": kms(), "message": messages(), "policy": policies(),
    "recipient": recipients(),
    "shorthand": shorthands(), "template": templates(), "toml": tomls(),
}.items():
    write(target, list(seeds))
