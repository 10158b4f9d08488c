"""The tool and the Python AWS Encryption SDK, in both directions. Usage: interop.py RECOVER.py. Takes envcrypt from
PATH and writes into the current directory."""
import base64, json, os, subprocess, sys
import aws_encryption_sdk as sdk
from aws_encryption_sdk.identifiers import (
    Algorithm, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm)
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

recover = sys.argv[1]
CONTEXT = {"purpose": "backup", "größe": "λ 🙂", "empty": ""}
SIZES = [0, 1, 65535, 65536, 65537, 1 << 20, 10 << 20]


def envcrypt(*arguments, source=b""):
    run = subprocess.run(["envcrypt", *arguments], input=source, stdout=subprocess.PIPE)
    assert run.returncode == 0, (arguments, run.returncode)
    return run.stdout


def master_key(key):
    aes = key["algorithm"] == "aes"
    return RawMasterKey(provider_id=key["provider-id"], key_id=key["key-id"], wrapping_key=WrappingKey(
        WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING if aes else WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
        base64.b64decode(key["material"]) if aes else key["material"].encode(),
        EncryptionKeyType.SYMMETRIC if aes else EncryptionKeyType.PRIVATE))


count = 0
envcrypt("init", "-q", "--protector", "none")
for spec in ["SYMMETRIC_DEFAULT", "RSA_2048"]:
    alias = "alias/" + spec
    envcrypt("key", "create", "--spec", spec, "--alias", alias)
    exported = spec + ".json"
    envcrypt("key", "export", alias, "-o", exported)
    keys = json.load(open(exported))["keys"]
    strict = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    lax = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)

    def ours(size, *options, context=CONTEXT):
        """The tool writes and the SDK reads. For small sizes the recovery script reads too."""
        global count
        plaintext = os.urandom(size)
        pairs = [option for key, value in context.items() for option in ("-c", f"{key}={value}")]
        message = envcrypt("encrypt", *options, *pairs, source=plaintext)
        found, header = strict.decrypt(source=message, key_provider=master_key(keys[0]))
        assert found == plaintext, (spec, size, options)
        assert context.items() <= header.encryption_context.items()
        signed = header.algorithm is Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384
        assert signed == ("--sign" in options), header.algorithm
        if size < 70000:
            again = subprocess.run([sys.executable, recover, exported], input=message, stdout=subprocess.PIPE)
            assert again.returncode == 0 and again.stdout == plaintext, (spec, size, "recover.py")
        count += 1

    for size in SIZES:
        ours(size, "-k", alias)
        ours(size, "-k", alias, "--sign")
    for length in [1, 1000, 4096, 1 << 20]:
        ours(5000, "-k", alias, "--frame-length", str(length), context={})

    def theirs(client, algorithm, size, frame_length, *options):
        """The SDK writes and the tool reads."""
        global count
        plaintext = os.urandom(size)
        message, _ = client.encrypt(
            source=plaintext, key_provider=master_key(keys[0]), algorithm=algorithm,
            encryption_context=CONTEXT, frame_length=frame_length)
        # With the keystore, and with the keyring file without any keystore.
        for where in [(), ("--keyring", exported, "--keystore", "nowhere.db")]:
            found = envcrypt("decrypt", *options, *where, "-c", "größe=λ 🙂", source=message)
            assert found == plaintext, (spec, algorithm, size, frame_length)
        count += 1

    allow = ("--commitment-policy", "require-encrypt-allow-decrypt")
    for algorithm in Algorithm:
        committing = algorithm.message_format_version == 2
        client = strict if committing else lax
        options = () if committing else allow
        for size, frame_length in [(0, 4096), (4096, 4096), (10000, 4096), (10000, 0), (300000, 65536)]:
            theirs(client, algorithm, size, frame_length, *options)

# A bare public key: the exported file has the private key under its fingerprint.
envcrypt("key", "public-key", "alias/RSA_2048", "-o", "public.pem")
message = envcrypt("encrypt", "-r", "public.pem", "--keystore", "nowhere.db", source=b"letter")
bare = [key for key in json.load(open("RSA_2048.json"))["keys"] if key["provider-id"] == "envcrypt-spki"]
found, _ = strict.decrypt(source=message, key_provider=master_key(bare[0]))
assert found == b"letter"
again = subprocess.run([sys.executable, recover, "RSA_2048.json"], input=message, stdout=subprocess.PIPE)
assert again.stdout == b"letter"
print(count + 1, "messages, both ways")
