"""Raw ECDH keyrings of the tool and of the Python AWS Encryption SDK 4, in both directions. Usage: interop_ecdh.py
RECOVER_ECDH.py. Takes envcrypt from PATH and writes into the current directory."""
import hashlib, json, logging, os, subprocess, sys
import aws_encryption_sdk as sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateRawEcdhKeyringInput, EphemeralPrivateKeyToStaticPublicKeyInput, PublicKeyDiscoveryInput,
    RawEcdhStaticConfigurationsEphemeralPrivateKeyToStaticPublicKey,
    RawEcdhStaticConfigurationsPublicKeyDiscovery)
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)

# The tool refuses files with private keys that others may read.
os.umask(0o077)

logging.disable()  # a key that does not match is not an error here
recover = sys.argv[1]
CONTEXTS = [{}, {"purpose": "backup"}, {"purpose": "backup", "größe": "λ 🙂", "empty": "", "a": "b"}]
SIZES = [0, 1, 65536, 300000]
SUITES = {False: AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
          True: AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384}
client = sdk.EncryptionSDKClient(
    commitment_policy=sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def run(*arguments, source=b"", status=0):
    done = subprocess.run(arguments, input=source, stdout=subprocess.PIPE)
    assert done.returncode == status, (arguments, done.returncode)
    return done.stdout


class Pair:
    """A key pair in files, and the SDK's keyring for each half."""

    def __init__(self, curve, name):
        key = ec.generate_private_key(curve)
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.fingerprint = hashlib.sha256(spki).hexdigest()
        self.public, self.private, self.json = name + ".pub.pem", name + ".pem", name + ".json"
        open(self.private, "wb").write(pem)
        open(self.public, "wb").write(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        json.dump({"keys": [{
            "provider-id": "raw-ecdh", "key-id": self.fingerprint, "algorithm": "ecdh",
            "type": "private", "bits": curve.key_size, "encoding": "pem",
            "material": pem.decode()}]}, open(self.json, "w"))

        def keyring(scheme):
            return providers.create_raw_ecdh_keyring(CreateRawEcdhKeyringInput(
                curve_spec=f"ECC_NIST_P{curve.key_size}", key_agreement_scheme=scheme))
        self.wraps = keyring(RawEcdhStaticConfigurationsEphemeralPrivateKeyToStaticPublicKey(
            EphemeralPrivateKeyToStaticPublicKeyInput(recipient_public_key=spki)))
        self.unwraps = keyring(RawEcdhStaticConfigurationsPublicKeyDiscovery(
            PublicKeyDiscoveryInput(recipient_static_private_key=pem)))


def ours(recipients, size, context, signed, *more):
    """The tool writes and the SDK reads, with each of the keys."""
    plaintext = os.urandom(size)
    pairs = [option for key, value in context.items() for option in ("-c", f"{key}={value}")]
    names = [option for pair in recipients for option in ("-r", pair.public)]
    message = run("envcrypt", "encrypt", "--keystore", "nowhere.db", *more, *names, *pairs,
                  *(["--sign"] if signed else []), source=plaintext)
    inspected = run("envcrypt", "inspect", "--json", "--keystore", "nowhere.db", source=message)
    for pair in recipients:
        assert pair.fingerprint.encode() in inspected, inspected
        found, header = client.decrypt(source=message, keyring=pair.unwraps)
        assert found == plaintext, (pair.private, size, context, signed)
        assert context.items() <= header.encryption_context.items()
        assert header.algorithm is SUITES[signed], header.algorithm
    return plaintext, message


def theirs(pair, size, context, signed):
    """The SDK writes and the tool reads, with the PEM key and with a keyring file."""
    plaintext = os.urandom(size)
    message, _ = client.encrypt(
        source=plaintext, keyring=pair.wraps, algorithm=SUITES[signed], encryption_context=context)
    pairs = [option for key, value in context.items() for option in ("-c", f"{key}={value}")]
    for file in [pair.private, pair.json]:
        found = run("envcrypt", "decrypt", "--keystore", "nowhere.db", "--keyring", file, *pairs,
                    source=message)
        assert found == plaintext, (file, size, context, signed)


count = 0
keys = [Pair(curve, curve.name) for curve in [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]]
for pair in keys:
    for size in SIZES:
        for context in CONTEXTS:
            for signed in [False, True]:
                ours([pair], size, context, signed)
                theirs(pair, size, context, signed)
                count += 2
    plaintext, message = ours([pair], 1000, CONTEXTS[2], False)
    for file in [pair.private, pair.json]:
        assert run(sys.executable, recover, file, source=message) == plaintext, (pair.private, "recover_ecdh.py")
    count += 1

# One message for all of the keys and for an RSA key. Nobody else can open it.
open("rsa.pub.pem", "wb").write(rsa.generate_private_key(65537, 2048).public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
plaintext, message = ours(keys, 1000, CONTEXTS[1], False, "-r", "rsa.pub.pem")
stranger = Pair(ec.SECP256R1(), "stranger")
try:
    client.decrypt(source=message, keyring=stranger.unwraps)
    sys.exit("a stranger's key opens the message")
except AWSEncryptionSDKClientError:
    pass
run("envcrypt", "decrypt", "--keystore", "nowhere.db", "--keyring", stranger.private, source=message, status=69)
run(sys.executable, recover, stranger.private, source=message, status=1)
assert run(sys.executable, recover, keys[2].json, source=message) == plaintext
print(count + 1, "messages, both ways")
