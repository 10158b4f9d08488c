# Names that look alike are different: "é" as one character and as two.
one=$'\u00e9' two=$'e\u0301'
key=$(envcrypt key create --json | json 'j["KeyMetadata"]["KeyId"]')
# pairs: prints the objects of a JSON text that have such a key, with the bytes of their keys.
pairs() {
  python3 -c 'import json, sys
def show(pairs):
    pairs = sorted((key.encode().hex(), value) for key, value in pairs if not key.isascii())
    if pairs: print(pairs)
json.load(sys.stdin, object_pairs_hook=show)'
}
both="[('65cc81', '2'), ('c3a9', '1')]"

# With the API, in JSON.
for context in "{\"$one\":\"1\",\"$two\":\"2\"}" '{"\u00e9":"1","e\u0301":"2"}'; do
  envcrypt kms encrypt --key-id "$key" --plaintext "$(printf secret | base64)" \
    --encryption-context "$context" | json 'j["CiphertextBlob"]' >blob
  for wrong in "{\"$one\":\"1\"}" "{\"$two\":\"2\"}" "{\"$one\":\"2\",\"$two\":\"1\"}"; do
    fails 65 envcrypt kms decrypt --ciphertext-blob "$(cat blob)" --encryption-context "$wrong"
    says InvalidCiphertextException
  done
  envcrypt kms decrypt --ciphertext-blob "$(cat blob)" --encryption-context "$context" |
    json 'j["Plaintext"]' | base64 -d | matches -x secret
  echo "$context" >context
  envcrypt kms decrypt --ciphertext-blob "$(cat blob)" --encryption-context file://context |
    matches Plaintext
  envcrypt kms decrypt \
    --cli-input-json "{\"CiphertextBlob\": \"$(cat blob)\", \"EncryptionContext\": $context}" |
    matches Plaintext
done
envcrypt keystore audit --operation Encrypt --json >audit
[ "$(pairs <audit | sort -u)" = "$both" ]
fails 64 envcrypt kms create-key --cli-input-json $'{"\u212aeySpec": "SYMMETRIC_DEFAULT"}'

# With the commands.
envcrypt data-key generate -k "$key" -c "$one=1" -c "$two=2" -o wrapped >plain
envcrypt data-key decrypt wrapped -c "$two=2" -c "$one=1" | cmp - plain
fails 65 envcrypt data-key decrypt wrapped -c "$one=1"
fails 64 envcrypt data-key generate -k "$key" -c "$one=1" -c "$one=2" -o x; says twice
echo text >file
envcrypt encrypt -q -k "$key" -c "$one=1" -c "$two=2" file
envcrypt inspect --json file.envc >report
[ "$(pairs <report)" = "$both" ]
fails 65 envcrypt decrypt -q file.envc -c "$two=1" -o out
envcrypt key grant create "$key" --grantee a --operation Decrypt -c "$one=1" -c "$two=2" >id
envcrypt key grant list "$key" --json >grants
[ "$(pairs <grants)" = "$both" ]
envcrypt key grant list "$key" | matches "with $two=2 $one=1"
envcrypt key tag "$key" "$one=1" "$two=2"
envcrypt keystore check | matches '2 tags, 1 grant'
