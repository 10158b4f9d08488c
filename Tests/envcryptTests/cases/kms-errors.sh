# Every error of the API: its cause and its exit status.
touch seen
# errs STATUS NAME ARGUMENT...: the operation must end with that status and error.
errs() {
  fails "$1" envcrypt kms "${@:3}"
  says "envcrypt: error: $2: "
  echo "$2" >> seen
}
id() { envcrypt kms create-key "$@" | json 'j["KeyMetadata"]["KeyId"]'; }
field() { json "j['$1']"; }
managed=$(envcrypt kms describe-key --key-id alias/default | json 'j["KeyMetadata"]["KeyId"]')
key=$(id); other=$(id); mac=$(id --key-spec HMAC_256 --key-usage GENERATE_VERIFY_MAC)
sign=$(id --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY)
printf 'text' > text; printf 'other' > other
arn=arn:aws:kms:local:000000000000

# Names.
errs 69 NotFoundException describe-key --key-id 00000000-0000-4000-8000-000000000000
errs 69 NotFoundException describe-key --key-id alias/nobody
errs 69 NotFoundException describe-key --key-id "arn:aws:kms:eu-west-1:111122223333:key/$key"
errs 69 NotFoundException delete-alias --alias-name alias/nobody
errs 64 InvalidArnException describe-key --key-id arn:aws:kms
errs 64 InvalidArnException describe-key --key-id "$arn:key/nonsense"
envcrypt kms create-alias --alias-name alias/a --target-key-id "$key"
errs 73 AlreadyExistsException create-alias --alias-name alias/a --target-key-id "$other"
for name in a alias/ alias/aws/x 'alias/a b' "alias/$(printf 'x%.0s' {1..251})"; do
  errs 64 InvalidAliasNameException create-alias --alias-name "$name" --target-key-id "$key"
done
errs 64 InvalidMarkerException list-keys --marker '?'
errs 64 InvalidMarkerException list-keys --marker bm9uZQ==
errs 64 InvalidMarkerException list-key-rotations --key-id "$key" --marker bm9uZQ==

# Parameters.
errs 64 ValidationException schedule-key-deletion --key-id "$key" --pending-window-in-days 6
errs 64 ValidationException enable-key-rotation --key-id "$key" --rotation-period-in-days 89
errs 64 ValidationException generate-random --number-of-bytes 1025
errs 64 ValidationException list-keys --limit 1001
errs 64 ValidationException generate-data-key --key-id "$key"
errs 64 ValidationException encrypt --key-id "$key" --plaintext ''
random 4097 > long
errs 64 ValidationException encrypt --key-id "$key" --plaintext fileb://long
errs 64 ValidationException create-key --key-spec RSA_2048
errs 64 ValidationException create-key --key-spec HMAC_256 --key-usage SIGN_VERIFY
errs 64 InvalidKeyUsageException sign --key-id "$mac" --message fileb://text --signing-algorithm ECDSA_SHA_256
errs 64 InvalidKeyUsageException sign --key-id "$sign" --message fileb://text --signing-algorithm ECDSA_SHA_384
errs 64 InvalidKeyUsageException encrypt --key-id "$sign" --plaintext fileb://text

# Unsupported features, with their requirements.
errs 69 UnsupportedOperationException create-key --key-spec ML_DSA_44 --key-usage SIGN_VERIFY
says 'OpenSSL 3.5'
errs 69 UnsupportedOperationException create-key --key-spec SM2 --key-usage SIGN_VERIFY; says China
ed=$(id --key-spec ECC_NIST_EDWARDS25519 --key-usage SIGN_VERIFY)
errs 69 UnsupportedOperationException sign --key-id "$ed" --message fileb://text --signing-algorithm ED25519_PH_SHA_512
says 'OpenSSL 3.2'
errs 69 UnsupportedOperationException create-key --multi-region
errs 64 MalformedPolicyDocumentException create-key --policy '{}'
errs 64 MalformedPolicyDocumentException put-key-policy --key-id "$key" --policy '{"Statement": []}'
policy='{"Statement": {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*", "Condition":'
errs 69 UnsupportedOperationException put-key-policy --key-id "$key" --policy "$policy {\"StringEquals\": {\"kms:ViaService\": \"s3\"}}}}"
says "'kms:ViaService' is not supported"
errs 69 UnsupportedOperationException create-key --origin AWS_CLOUDHSM
errs 69 UnsupportedOperationException enable-key-rotation --key-id "$mac"
errs 69 UnsupportedOperationException get-public-key --key-id "$key"
for operation in replicate-key describe-custom-key-stores; do
  errs 69 UnsupportedOperationException $operation
done
errs 64 InvalidGrantTokenException describe-key --key-id "$key" --grant-tokens token
errs 64 InvalidGrantIdException revoke-grant --key-id "$key" --grant-id 1
for refused in disable-key schedule-key-deletion enable-key-rotation; do
  errs 77 AccessDeniedException $refused --key-id "$managed"
done

# Limits.
envcrypt kms create-alias --alias-name alias/b1 --target-key-id "$other"
for n in {2..50}; do envcrypt kms create-alias --alias-name alias/b$n --target-key-id "$other"; done
errs 73 LimitExceededException create-alias --alias-name alias/b51 --target-key-id "$other"
errs 73 LimitExceededException update-alias --alias-name alias/a --target-key-id "$other"
tags() { for n in $(seq "$1" "$2"); do echo "TagKey=t$n,TagValue=$n"; done; }
envcrypt kms tag-resource --key-id "$key" --tags $(tags 1 50)
errs 73 LimitExceededException tag-resource --key-id "$key" --tags $(tags 51 51)
envcrypt kms tag-resource --key-id "$key" --tags $(tags 50 50)
for n in {1..25}; do envcrypt kms rotate-key-on-demand --key-id "$other" > /dev/null; done
errs 73 LimitExceededException rotate-key-on-demand --key-id "$other"
errs 64 TagException tag-resource --key-id "$other" --tags TagKey=aws:x,TagValue=1
errs 64 TagException create-key --tags TagKey=x,TagValue=1 TagKey=x,TagValue=2

# Ciphertexts, signatures and MACs.
envcrypt kms encrypt --key-id "$key" --plaintext fileb://text --encryption-context k=v | field CiphertextBlob | base64 -d > blob
errs 65 InvalidCiphertextException decrypt --ciphertext-blob fileb://blob
errs 65 InvalidCiphertextException decrypt --ciphertext-blob fileb://blob --encryption-context k=w
errs 65 InvalidCiphertextException decrypt --ciphertext-blob fileb://blob --encryption-context k=v,l=m
errs 65 InvalidCiphertextException decrypt --ciphertext-blob fileb://text
errs 69 IncorrectKeyException decrypt --ciphertext-blob fileb://blob --encryption-context k=v --key-id "$other"
[ "$(envcrypt kms decrypt --ciphertext-blob fileb://blob --encryption-context k=v | field Plaintext)" = "$(base64 text)" ]
cat > flip.py <<'P'
import re, subprocess
blob = open("blob", "rb").read()
assert len(blob) == 4 + 16 + 4 + 12 + 4 + 16, len(blob)
# Every third byte is changed; the blob is truncated and extended. A changed key ID names no key.
bad = {n: blob[:n] + bytes([blob[n] ^ 1 << n % 8]) + blob[n + 1:] for n in range(0, len(blob), 3)}
bad |= {"cut": blob[:-1], "long": blob + b"\0", "head": blob[:36]}
for place, altered in bad.items():
    open("altered", "wb").write(altered)
    run = subprocess.run(["envcrypt", "kms", "decrypt", "--ciphertext-blob", "fileb://altered",
                          "--encryption-context", "k=v"], capture_output=True, text=True)
    name = re.match(r"envcrypt: error: (\w+): ", run.stderr)[1]
    wanted = (69, "NotFoundException") if place in range(4, 20) else (65, "InvalidCiphertextException")
    assert (run.returncode, name) == wanted and not run.stdout, (place, run)
P
python3 flip.py
algorithm=(--key-id "$sign" --signing-algorithm ECDSA_SHA_256)
envcrypt kms sign "${algorithm[@]}" --message fileb://text | field Signature > signature
envcrypt kms verify "${algorithm[@]}" --message fileb://text --signature file://signature | matches true
errs 65 KMSInvalidSignatureException verify "${algorithm[@]}" --message fileb://other --signature file://signature
errs 65 KMSInvalidSignatureException verify "${algorithm[@]}" --message fileb://text --signature fileb://text
algorithm=(--key-id "$mac" --mac-algorithm HMAC_SHA_256)
envcrypt kms generate-mac "${algorithm[@]}" --message fileb://text | field Mac > mac
envcrypt kms verify-mac "${algorithm[@]}" --message fileb://text --mac file://mac | matches true
errs 65 KMSInvalidMacException verify-mac "${algorithm[@]}" --message fileb://other --mac file://mac
errs 75 DryRunOperationException encrypt --key-id "$key" --plaintext fileb://text --dry-run

# Imported material.
external=$(id --origin EXTERNAL)
errs 69 KMSInvalidStateException encrypt --key-id "$external" --plaintext fileb://text
says PendingImport
# wrapping KEY: gets a token and a public key for the key's material.
wrapping() {
  envcrypt kms get-parameters-for-import --key-id "$1" --wrapping-key-spec RSA_2048 --wrapping-algorithm RSAES_OAEP_SHA_256 > parameters
  field ImportToken < parameters > token
  field PublicKey < parameters | base64 -d > public.der
}
# wrapped FILE: wraps its bytes as material for the token.
wrapped() {
  openssl pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in "$1" -out material \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
}
import=(import-key-material --import-token file://token --encrypted-key-material fileb://material --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE --key-id "$external")
wrapping "$external"; random 32 > first; random 32 > second
wrapped text; errs 65 IncorrectKeyMaterialException "${import[@]}"; says '32 bytes'
random 256 > material; errs 65 InvalidCiphertextException "${import[@]}"
wrapped first
errs 65 IncorrectKeyMaterialException "${import[@]}" --import-type EXISTING_KEY_MATERIAL
envcrypt kms "${import[@]}" > /dev/null
wrapped second; errs 65 IncorrectKeyMaterialException "${import[@]}"; says NEW_KEY_MATERIAL
errs 69 KMSInvalidStateException rotate-key-on-demand --key-id "$external"
errs 64 ValidationException "${import[@]}" --valid-to 2001-02-03
mv token whole
python3 -c 'import base64; t = bytearray(base64.b64decode(open("whole").read())); t[-1] ^= 1; print(base64.b64encode(t).decode())' > token
errs 65 InvalidImportTokenException "${import[@]}"
mv whole token; errs 69 UnsupportedOperationException "${import[@]}" --key-id "$key"
errs 65 InvalidImportTokenException "${import[@]}" --key-id "$(id --origin EXTERNAL)"

# States come last, because they make the keys unusable.
envcrypt kms disable-key --key-id "$key"
errs 69 DisabledException encrypt --key-id alias/a --plaintext fileb://text
errs 69 DisabledException decrypt --ciphertext-blob fileb://blob --encryption-context k=v
envcrypt kms schedule-key-deletion --key-id "$key" > /dev/null
errs 69 KMSInvalidStateException encrypt --key-id "$key" --plaintext fileb://text; says PendingDeletion
errs 69 KMSInvalidStateException enable-key --key-id "$key"
errs 69 KMSInvalidStateException cancel-key-deletion --key-id "$other"

# Every error is covered. An import token expires after a day, which tests with their own clock check.
source=$(dirname "${BASH_SOURCE[0]}")/../../../Sources/KMSAPI/KeyServiceError.swift
echo ExpiredImportTokenException >> seen
diff <(grep -o '"[A-Za-z]*Exception"' "$source" | tr -d '"' | sort -u) <(sort -u seen)
