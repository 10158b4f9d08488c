#!/usr/bin/env python3
"""Opens a message without envcrypt: recover.py KEYRING.json < message.envc > plaintext"""
import base64, json, logging, sys
import aws_encryption_sdk as sdk
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

logging.disable()  # a key that does not fit is not an error here

def master_key(key):
    aes = key["algorithm"] == "aes"
    return RawMasterKey(provider_id=key["provider-id"], key_id=key["key-id"], wrapping_key=WrappingKey(
        WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING if aes else WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
        base64.b64decode(key["material"]) if aes else key["material"].encode(),
        EncryptionKeyType.SYMMETRIC if aes else EncryptionKeyType.PRIVATE))

client = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
message = sys.stdin.buffer.read()
for key in json.load(open(sys.argv[1]))["keys"]:
    try:
        plaintext, header = client.decrypt(source=message, key_provider=master_key(key))
    except AWSEncryptionSDKClientError:
        continue  # wrapped under another of the keys
    sys.stdout.buffer.write(plaintext)
    sys.exit()
sys.exit("none of the keys opens the message")
