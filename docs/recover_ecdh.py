#!/usr/bin/env python3
"""Opens a message under elliptic-curve keys without envcrypt:
recover_ecdh.py KEYRING.json < message.envc > plaintext

Needs aws-encryption-sdk==4.0.7 and aws-cryptographic-material-providers==1.11.3. KEYRING.json may
be a PEM private key too."""
import json, logging, sys
import aws_encryption_sdk as sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateRawEcdhKeyringInput, PublicKeyDiscoveryInput, RawEcdhStaticConfigurationsPublicKeyDiscovery)
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from cryptography.hazmat.primitives import serialization

logging.disable()  # a key that does not fit is not an error here
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())

def keyring(pem):
    key = serialization.load_pem_private_key(pem, None)
    pkcs8 = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
    return providers.create_raw_ecdh_keyring(CreateRawEcdhKeyringInput(
        curve_spec=f"ECC_NIST_P{key.curve.key_size}",
        key_agreement_scheme=RawEcdhStaticConfigurationsPublicKeyDiscovery(
            PublicKeyDiscoveryInput(recipient_static_private_key=pkcs8))))

text = open(sys.argv[1], "rb").read()
if text.lstrip().startswith(b"{"):
    keys = [key["material"].encode() for key in json.loads(text)["keys"]
            if key["algorithm"] == "ecdh" and key["type"] == "private"]
else:
    keys = [text]
client = sdk.EncryptionSDKClient(
    commitment_policy=sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
message = sys.stdin.buffer.read()
for key in keys:
    try:
        plaintext, header = client.decrypt(source=message, keyring=keyring(key))
    except AWSEncryptionSDKClientError:
        continue  # wrapped under another of the keys
    sys.stdout.buffer.write(plaintext)
    sys.exit()
sys.exit("none of the keys opens the message")
