"""Streams a file with the AWS Encryption SDK for Python and prints the seconds that the stream
took.

Runs in its virtual environment: sdk_stream.py encrypt|decrypt KEYRING.json IN OUT [SUITE].
Starting Python and loading the SDK are not counted, in favor of the SDK.
"""

import base64
import json
import sys
import time

import aws_encryption_sdk as sdk
from aws_encryption_sdk.identifiers import Algorithm, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

# The number of bytes per read from the stream. The frame length is the SDK's default, 4096.
CHUNK = 64 << 10


def master_key(path):
    with open(path) as file:
        key = json.load(file)["keys"][0]
    return RawMasterKey(
        provider_id=key["provider-id"], key_id=key["key-id"],
        wrapping_key=WrappingKey(
            WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
            base64.b64decode(key["material"]), EncryptionKeyType.SYMMETRIC))


def main(mode, keyring, source, destination, suite=None):
    options = {"algorithm": Algorithm[suite]} if suite else {}
    client = sdk.EncryptionSDKClient()
    with open(source, "rb") as reading, open(destination, "wb") as writing:
        begin = time.perf_counter()
        with client.stream(mode=mode, source=reading, key_provider=master_key(keyring),
                           **options) as stream:
            while chunk := stream.read(CHUNK):
                writing.write(chunk)
        print(time.perf_counter() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])
