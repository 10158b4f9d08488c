"""Tests every operation of `envcrypt kms` against botocore's model of the KMS API, and its results against the
Python cryptography package. Takes envcrypt from PATH and writes into the current directory."""
import datetime, hashlib, hmac, json, os, re
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from kms_model import (
    call, check_coverage, check_options, pages, refusal, refused, request, run, samples, supported)


def create(spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", **more):
    metadata = call("CreateKey", KeySpec=spec, KeyUsage=usage, **more)["KeyMetadata"]
    assert metadata["KeySpec"] == spec and metadata["KeyUsage"] == usage
    assert metadata == call("DescribeKey", KeyId=metadata["Arn"])["KeyMetadata"]
    return metadata["KeyId"]


def public_key(key):
    answer = call("GetPublicKey", KeyId=key)
    return serialization.load_der_public_key(answer["PublicKey"]), answer


NOW = datetime.datetime.now(datetime.timezone.utc)
assert run("init", "-q", "--protector", "none").returncode == 0
operations = supported()
for operation in operations:
    check_options(operation)

# Keys: metadata, descriptions, states, aliases, tags.
key = create(Description="größe, λ", Tags=[{"TagKey": "team", "TagValue": "a b"}, {"TagKey": "x", "TagValue": ""}])
other = create(Origin="AWS_KMS", MultiRegion=False, BypassPolicyLockoutSafetyCheck=False)
assert call("CreateKey", CustomerMasterKeySpec="SYMMETRIC_DEFAULT")["KeyMetadata"]["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"
call("UpdateKeyDescription", KeyId=key, Description="another")
assert call("DescribeKey", KeyId=key)["KeyMetadata"]["Description"] == "another"
call("TagResource", KeyId=key, Tags=[{"TagKey": "team", "TagValue": "new"}, {"TagKey": "y", "TagValue": "1=2"}])
assert [tag["TagValue"] for tag in pages("ListResourceTags", "Tags", 3, KeyId=key)] == ["new", "", "1=2"]
call("UntagResource", KeyId=key, TagKeys=["x", "y"])
assert [tag["TagKey"] for tag in call("ListResourceTags", KeyId=key)["Tags"]] == ["team"]
refused("TagResource", "TagException", KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}])
for alias in "abc":
    call("CreateAlias", AliasName=f"alias/{alias}", TargetKeyId=key)
refused("CreateAlias", "AlreadyExistsException", AliasName="alias/a", TargetKeyId=other)
refused("CreateAlias", "InvalidAliasNameException", AliasName="alias/aws/a", TargetKeyId=other)
call("UpdateAlias", AliasName="alias/c", TargetKeyId=other)
pages("ListAliases", "Aliases", 4)
assert [alias["AliasName"] for alias in call("ListAliases", KeyId=other)["Aliases"]] == ["alias/c"]
call("DeleteAlias", AliasName="alias/c")
refused("DeleteAlias", "NotFoundException", AliasName="alias/c")
pages("ListKeys", "Keys", 4)
call("DisableKey", KeyId=other)
refused("Encrypt", "DisabledException", KeyId=other, Plaintext=b"x")
call("EnableKey", KeyId=other)
assert call("ScheduleKeyDeletion", KeyId=other, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
assert call("DescribeKey", KeyId=other)["KeyMetadata"]["DeletionDate"] > NOW + datetime.timedelta(days=6)
for operation in "EnableKey", "DisableKey", "ScheduleKeyDeletion", "RotateKeyOnDemand", "EnableKeyRotation":
    refused(operation, "KMSInvalidStateException", KeyId=other)
call("CancelKeyDeletion", KeyId=other)
call("EnableKey", KeyId=other)

# Policies and grants.
default = call("GetKeyPolicy", KeyId=key)
assert json.loads(default["Policy"])["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}
assert pages("ListKeyPolicies", "PolicyNames", 1, KeyId=key) == ["default"]
policy = json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": {
    "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*"}})
call("PutKeyPolicy", KeyId=key, Policy=policy, PolicyName="default", BypassPolicyLockoutSafetyCheck=False)
assert call("GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"] == policy
assert call("GetKeyPolicy", KeyId=create(Policy=policy))["Policy"] == policy
refused("PutKeyPolicy", "MalformedPolicyDocumentException", KeyId=key, Policy="{}")
refused("PutKeyPolicy", "MalformedPolicyDocumentException", KeyId=key, Policy=policy.replace("kms:*", "kms:Get*"))
refused("PutKeyPolicy", "LimitExceededException", KeyId=key, Policy=policy + " " * 32768)
refused("PutKeyPolicy", "UnsupportedOperationException", KeyId=key, Policy=policy.replace(
    '"Resource"', '"Condition": {"StringEquals": {"kms:ViaService": "s3"}}, "Resource"'))
refused("GetKeyPolicy", "NotFoundException", KeyId=key, PolicyName="other")
USER = "arn:aws:iam::000000000000:user/"
granted = call("CreateGrant", KeyId=key, GranteePrincipal=USER + "a", RetiringPrincipal=USER + "b", Name="first",
               Operations=["Decrypt", "DescribeKey"], Constraints={"EncryptionContextSubset": {"k": "v"}})
equal = call("CreateGrant", KeyId=key, GranteePrincipal=USER + "c", RetiringPrincipal=USER + "b", Operations=["Encrypt"],
             Constraints={"EncryptionContextEquals": {"größe": "λ=1"}})
last = call("CreateGrant", KeyId=key, GranteePrincipal="arn:aws:iam::000000000000:root", Operations=["GenerateDataKey"])
grants = pages("ListGrants", "Grants", 3, KeyId=key)
assert {grant["GrantId"] for grant in grants} == {grant["GrantId"] for grant in (granted, equal, last)}
first, = call("ListGrants", KeyId=key, GrantId=granted["GrantId"])["Grants"]
assert first["Operations"] == ["Decrypt", "DescribeKey"] and first["Constraints"] == {"EncryptionContextSubset": {"k": "v"}}
assert call("ListGrants", KeyId=key, GranteePrincipal=USER + "c")["Grants"][0]["GrantId"] == equal["GrantId"]
pages("ListRetirableGrants", "Grants", 2, RetiringPrincipal=USER + "b")
refused("CreateGrant", "InvalidArnException", KeyId=key, GranteePrincipal="a", Operations=["Decrypt"])
refused("CreateGrant", "ValidationException", KeyId=key, GranteePrincipal=USER + "a", Operations=["Sign"])
assert call("Decrypt", CiphertextBlob=call("Encrypt", KeyId=key, Plaintext=b"x", GrantTokens=[last["GrantToken"]])["CiphertextBlob"],
            GrantTokens=[last["GrantToken"]])["Plaintext"] == b"x"
call("RetireGrant", KeyId=key, GrantId=granted["GrantId"])
call("RetireGrant", GrantToken=equal["GrantToken"])
call("RevokeGrant", KeyId=key, GrantId=last["GrantId"])
for operation in "RetireGrant", "RevokeGrant":
    refused(operation, "NotFoundException", KeyId=key, GrantId=last["GrantId"])
    refused(operation, "InvalidGrantIdException", KeyId=key, GrantId="1")
assert call("ListGrants", KeyId=key)["Grants"] == []

# Encryption under symmetric keys, data keys, rotation.
CONTEXT = {"purpose": "backup", "größe": "λ=1"}
blob = call("Encrypt", KeyId="alias/a", Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
for more in {}, {"KeyId": key}, {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}:
    assert call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT, **more)["Plaintext"] == b"secret"
refused("Decrypt", "InvalidCiphertextException", CiphertextBlob=blob)
refused("Decrypt", "IncorrectKeyException", CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=other)
moved = call("ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, SourceKeyId=key,
             DestinationKeyId=other, DestinationEncryptionContext={"new": "λ=1"})
assert call("Decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"new": "λ=1"})["Plaintext"] == b"secret"
for size, more in [(32, {"KeySpec": "AES_256"}), (16, {"KeySpec": "AES_128"}), (1024, {"NumberOfBytes": 1024})]:
    made = call("GenerateDataKey", KeyId=key, EncryptionContext=CONTEXT, **more)
    found = call("Decrypt", CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert made["Plaintext"] == found["Plaintext"] and len(made["Plaintext"]) == size
    assert made["KeyMaterialId"] == found["KeyMaterialId"]
    made = call("GenerateDataKeyWithoutPlaintext", KeyId=key, **more)
    assert len(call("Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == size
used = call("GetKeyLastUsage", KeyId=key)
assert used["KeyLastUsage"]["Operation"] == "Decrypt", used
assert NOW - datetime.timedelta(seconds=1) < used["KeyLastUsage"]["Timestamp"] >= used["KeyCreationDate"], (NOW, used)
assert len(call("GenerateRandom", NumberOfBytes=1024)["Plaintext"]) == 1024
call("EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
status = call("GetKeyRotationStatus", KeyId=key)
assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 90 and status["NextRotationDate"] > NOW
call("DisableKeyRotation", KeyId=key)
assert not call("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"]
for _ in range(3):
    call("RotateKeyOnDemand", KeyId=key)
pages("ListKeyRotations", "Rotations", 3, KeyId=key)
assert len({version["KeyMaterialId"] for version in pages(
    "ListKeyRotations", "Rotations", 4, KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")}) == 4
assert call("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"secret"

# Data key pairs.
def private_key(der, spec):
    private = serialization.load_der_private_key(der, None)
    size = re.search(r"(\d+)", spec)[1]
    if spec.startswith("RSA"):
        assert private.key_size == int(size)
    elif spec == "ECC_NIST_EDWARDS25519":
        assert isinstance(private, ed25519.Ed25519PrivateKey)
    else:
        assert private.curve.name == (f"secp{size}k1" if "SECG" in spec else f"secp{size}r1"), (spec, private.curve)
    return private


def spki(public):
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


PAIRS = ["ECC_NIST_P256", "RSA_2048", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"]
for spec in PAIRS + ["RSA_3072"]:
    made = call("GenerateDataKeyPair", KeyId=key, KeyPairSpec=spec)
    assert spki(private_key(made["PrivateKeyPlaintext"], spec).public_key()) == made["PublicKey"]
    assert call("Decrypt", CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"] == made["PrivateKeyPlaintext"]
for spec in "ECC_NIST_P256", "RSA_4096":
    made = call("GenerateDataKeyPairWithoutPlaintext", KeyId=key, KeyPairSpec=spec, EncryptionContext=CONTEXT)
    found = call("Decrypt", CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]
    assert spki(private_key(found, spec).public_key()) == made["PublicKey"]
refused("GenerateDataKeyPair", "UnsupportedOperationException", KeyId=key, KeyPairSpec="SM2")
refused("Decrypt", "InvalidArnException", CiphertextBlob=blob, KeyId="arn:aws:kms:local")

# RSA encryption, key agreement, MACs.
for spec in "RSA_2048", "RSA_3072", "RSA_4096":
    name = create(spec, "ENCRYPT_DECRYPT")
    public, answer = public_key(name)
    for algorithm in answer["EncryptionAlgorithms"]:
        digest = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
        theirs = public.encrypt(b"secret", padding.OAEP(padding.MGF1(digest), digest, None))
        ours = call("Encrypt", KeyId=name, Plaintext=b"secret", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
        for ciphertext in ours, theirs:
            assert call("Decrypt", KeyId=name, CiphertextBlob=ciphertext, EncryptionAlgorithm=algorithm)["Plaintext"] == b"secret"
        answer = call("ReEncrypt", CiphertextBlob=theirs, SourceKeyId=name,
                      SourceEncryptionAlgorithm=algorithm, DestinationKeyId=key)
        assert call("Decrypt", CiphertextBlob=answer["CiphertextBlob"])["Plaintext"] == b"secret"
refused("GenerateDataKey", "InvalidKeyUsageException", KeyId=name, KeySpec="AES_256")
for spec, curve in ("ECC_NIST_P256", ec.SECP256R1()), ("ECC_NIST_P384", ec.SECP384R1()), ("ECC_NIST_P521", ec.SECP521R1()):
    name = create(spec, "KEY_AGREEMENT")
    mine = ec.generate_private_key(curve)
    shared = call("DeriveSharedSecret", KeyId=name, KeyAgreementAlgorithm="ECDH", PublicKey=spki(mine.public_key()))
    assert shared["SharedSecret"] == mine.exchange(ec.ECDH(), public_key(name)[0])
refused("Sign", "InvalidKeyUsageException", KeyId=name, Message=b"x", SigningAlgorithm="ECDSA_SHA_512")
for size in 224, 256, 384, 512:
    name, mac = create(f"HMAC_{size}", "GENERATE_VERIFY_MAC"), {"MacAlgorithm": f"HMAC_SHA_{size}"}
    code = call("GenerateMac", KeyId=name, Message=b"text", **mac)["Mac"]
    assert call("VerifyMac", KeyId=name, Message=b"text", Mac=code, **mac)["MacValid"] and len(code) * 8 == size
    refused("VerifyMac", "KMSInvalidMacException", KeyId=name, Message=b"other", Mac=code, **mac)

# Signatures, of messages and of digests.
def verify(public, algorithm, signature, message):
    if algorithm == "ED25519_SHA_512":
        return public.verify(signature, message)
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        return public.verify(signature, message, ec.ECDSA(digest))
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if "PSS" in algorithm else padding.PKCS1v15()
    public.verify(signature, message, scheme, digest)


for spec in PAIRS:
    name = create(spec, "SIGN_VERIFY")
    public, answer = public_key(name)
    for algorithm in answer["SigningAlgorithms"]:
        inputs = [("RAW", b"text")]
        if algorithm != "ED25519_SHA_512":
            inputs.append(("DIGEST", hashlib.new("sha" + algorithm[-3:], b"text").digest()))
        for kind, message in inputs:
            made = call("Sign", KeyId=name, Message=message, MessageType=kind, SigningAlgorithm=algorithm)
            verify(public, algorithm, made["Signature"], b"text")
            more = {"KeyId": name, "Signature": made["Signature"], "SigningAlgorithm": algorithm}
            assert call("Verify", Message=message, MessageType=kind, **more)["SignatureValid"]
            refused("Verify", "KMSInvalidSignatureException", Message=bytes(len(message)), MessageType=kind, **more)
refused("GetPublicKey", "UnsupportedOperationException", KeyId=key)
refused("Sign", "ValidationException", KeyId=name, Message=b"x", MessageType="DIGEST", SigningAlgorithm="ED25519_SHA_512")
refused("GenerateDataKey", "ValidationException", KeyId=key, KeySpec="AES_256", NumberOfBytes=32)
refused("CreateKey", "ValidationException", KeySpec="RSA_2048")
refused("Sign", "UnsupportedOperationException", KeyId=name, Message=b"x", SigningAlgorithm="ED25519_PH_SHA_512")

# Imported material, wrapped in one step and in two.
def wrap(public, material, algorithm):
    digest = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    if not algorithm.startswith("RSA_AES"):
        return public.encrypt(material, oaep)
    kek = os.urandom(32)
    return public.encrypt(kek, oaep) + keywrap.aes_key_wrap_with_padding(kek, material)


def bring(name, material, algorithm, spec="RSA_2048", **more):
    parameters = call("GetParametersForImport", KeyId=name, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    wrapped = wrap(serialization.load_der_public_key(parameters["PublicKey"]), material, algorithm)
    return call("ImportKeyMaterial", KeyId=name, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped, **more)


STAYS = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
EXPIRES = {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": NOW + datetime.timedelta(days=30)}
external, first, second = create(Origin="EXTERNAL"), os.urandom(32), os.urandom(32)
refused("GenerateDataKey", "KMSInvalidStateException", KeyId=external, KeySpec="AES_256")
refused("GetParametersForImport", "UnsupportedOperationException", KeyId=key,
        WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
material = bring(external, first, "RSAES_OAEP_SHA_256", **EXPIRES, KeyMaterialDescription="the first")["KeyMaterialId"]
metadata = call("DescribeKey", KeyId=external)["KeyMetadata"]
assert metadata["CurrentKeyMaterialId"] == material and abs(metadata["ValidTo"] - EXPIRES["ValidTo"]).total_seconds() < 1
version, = call("ListKeyRotations", KeyId=external, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
assert version["ValidTo"] == metadata["ValidTo"] and version["KeyMaterialDescription"] == "the first"
blob = call("Encrypt", KeyId=external, Plaintext=b"secret")["CiphertextBlob"]
assert call("DeleteImportedKeyMaterial", KeyId=external)["KeyMaterialId"] == material
assert call("DescribeKey", KeyId=external)["KeyMetadata"]["KeyState"] == "PendingImport"
refused("Decrypt", "KMSInvalidStateException", CiphertextBlob=blob)
again = bring(external, first, "RSA_AES_KEY_WRAP_SHA_256", ImportType="EXISTING_KEY_MATERIAL", KeyMaterialId=material, **STAYS)
assert again["KeyMaterialId"] == material
refused("RotateKeyOnDemand", "KMSInvalidStateException", KeyId=external)
bring(external, second, "RSAES_OAEP_SHA_1", ImportType="NEW_KEY_MATERIAL", **STAYS)
versions = pages("ListKeyRotations", "Rotations", 2, KeyId=external, IncludeKeyMaterial="ALL_KEY_MATERIAL")
assert [version["KeyMaterialState"] for version in versions] == ["CURRENT", "PENDING_ROTATION"]
call("RotateKeyOnDemand", KeyId=external)
assert call("Decrypt", CiphertextBlob=blob)["KeyMaterialId"] == material
for spec, usage, size in ("HMAC_256", "GENERATE_VERIFY_MAC", 32), ("HMAC_512", "GENERATE_VERIFY_MAC", 64):
    name, bytes_ = create(spec, usage, Origin="EXTERNAL"), os.urandom(size)
    bring(name, bytes_, "RSAES_OAEP_SHA_256", "RSA_3072", **STAYS)
    code = call("GenerateMac", KeyId=name, Message=b"text", MacAlgorithm=f"HMAC_SHA_{size * 8}")["Mac"]
    assert code == hmac.digest(bytes_, b"text", f"sha{size * 8}")
for spec, usage, mine in (
    ("RSA_2048", "ENCRYPT_DECRYPT", rsa.generate_private_key(65537, 2048)),
    ("ECC_NIST_P384", "KEY_AGREEMENT", ec.generate_private_key(ec.SECP384R1())),
    ("ECC_SECG_P256K1", "SIGN_VERIFY", ec.generate_private_key(ec.SECP256K1())),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", ed25519.Ed25519PrivateKey.generate()),
):
    der = mine.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    name = create(spec, usage, Origin="EXTERNAL")
    bring(name, der, "RSA_AES_KEY_WRAP_SHA_1" if spec == "RSA_2048" else "RSA_AES_KEY_WRAP_SHA_256", **STAYS)
    assert spki(public_key(name)[0]) == spki(mine.public_key())

# Every operation with keys in every state, and with a key that most operations cannot use: the model must list each
# error. The operations that change the state are tested above, except for the managed key.
CHANGES = ["EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion"]
for operation in CHANGES:
    refused(operation, "AccessDeniedException", KeyId="alias/default")
states = {"Disabled": create(), "PendingDeletion": create(), "PendingImport": create(Origin="EXTERNAL")}
call("DisableKey", KeyId=states["Disabled"])
call("ScheduleKeyDeletion", KeyId=states["PendingDeletion"])
for name in [*states.values(), "alias/default", create("HMAC_256", "GENERATE_VERIFY_MAC")]:
    for operation, parameters in samples.items():
        named = {"KeyId", "TargetKeyId", "DestinationKeyId"} & parameters.keys()
        if named and operation not in CHANGES:
            result = request(operation, parameters | dict.fromkeys(named, name), "files")
            if result.returncode:
                refusal(operation, result)
for state, name in states.items():
    assert call("DescribeKey", KeyId=name)["KeyMetadata"]["KeyState"] == state

check_coverage(operations)
