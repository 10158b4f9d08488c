#!/usr/bin/env python3
"""Opens a message without envcrypt: recover.py KEYRING.json < message.envc > plaintext"""
import base64, json, sys
import aws_encryption_sdk as sdk
from aws_encryption_sdk.identifiers import CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

def master_key(key):
    aes = key["algorithm"] == "aes"
    return RawMasterKey(provider_id=key["provider-id"], key_id=key["key-id"], wrapping_key=WrappingKey(
        WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING if aes else WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
        base64.b64decode(key["material"]) if aes else key["material"].encode(),
        EncryptionKeyType.SYMMETRIC if aes else EncryptionKeyType.PRIVATE))

first, *others = [master_key(key) for key in json.load(open(sys.argv[1]))["keys"]]
for other in others:
    first.add_master_key_provider(other)
client = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
sys.stdout.buffer.write(client.decrypt(source=sys.stdin.buffer.read(), key_provider=first)[0])
