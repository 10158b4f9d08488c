#!/usr/bin/env python3
"""Opens an escrow file with a passphrase, without envcrypt: open_escrow.py ESCROW.pem > escrow.json"""
import base64, getpass, hashlib, sys
import aws_encryption_sdk as sdk
from aws_encryption_sdk.identifiers import CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key)

head, armor = open(sys.argv[1]).read().split("-----BEGIN ENVCRYPT MESSAGE-----")
passphrase = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
key = load_pem_private_key(head[head.index("\n-----BEGIN ") + 1:].encode(), passphrase.encode())
spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
master_key = RawMasterKey(
    provider_id="envcrypt-spki", key_id=hashlib.sha256(spki).hexdigest(), wrapping_key=WrappingKey(
        WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), EncryptionKeyType.PRIVATE))
client = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
plaintext, header = client.decrypt(source=base64.b64decode(armor.split("-----END")[0]), key_provider=master_key)
sys.stdout.buffer.write(plaintext)
