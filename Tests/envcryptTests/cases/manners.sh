# What people type: short options with their values attached, the AWS CLI's names, shortened key IDs, mistakes.

printf 'hello\n' >f

# unsaid TEXT: the messages of the last failure do not contain the text.
unsaid() { if grep -F -- "$1" stderr; then return 1; fi; }

# Short options attach, alone or after flags. What follows -- is a name.
envcrypt encrypt -fqkalias/default -j2 -cpurpose=test -oout.envc f
[ "$(envcrypt decrypt -j1 -cpurpose=test -o- out.envc)" = hello ]
cp f ./-j4; envcrypt encrypt -- -j4; [ -s ./-j4.envc ]
fails 64 envcrypt encrypt -jx f; says "'x' is invalid for"
fails 64 envcrypt encrypt -y4 f; says "unknown option '-y4'"

# An option that takes one value is given once, under whichever name.
fails 64 envcrypt encrypt -o a --output b f; says 'error: --output is given more than once'
fails 64 envcrypt decrypt --keystore a --keystore=b out.envc; says '--keystore is given more than once'
absent a b

# Several pairs of a context at once, as the AWS CLI takes them.
context() { envcrypt inspect --json "$1" | json '" ".join(f"{k}:{v}" for k, v in sorted(j["Messages"][0]["EncryptionContext"].items()))'; }
envcrypt encrypt -c a=b,c=d -c e=1,2 -o c.envc f; [ "$(context c.envc)" = 'a:b c:d e:1,2' ]
envcrypt decrypt -c 'e=1,2,c=d' -o - c.envc | cmp - f
envcrypt encrypt --encryption-context '{"a": "x,y=z"}' -o j.envc f; [ "$(context j.envc)" = 'a:x,y=z' ]
envcrypt decrypt -c 'a=x\,y=z' -o - j.envc | cmp - f
fails 64 envcrypt encrypt -c a=b,a=c f; says "the encryption context has 'a' twice"

# The AWS CLI's names.
key=$(envcrypt key create --key-spec RSA_2048 --key-usage ENCRYPT_DECRYPT --tags TagKey=team,TagValue=a cost=1 --alias alias/team)
[ "$(envcrypt key describe --key-id "$key" | grep -c '^tag .*team=\|^tag .*cost=1')" = 2 ]
envcrypt key tag --key-id alias/team --tags TagKey=x,TagValue=y; envcrypt key untag --key-id alias/team --tag-keys x cost
[ "$(envcrypt kms list-resource-tags --key-id alias/team | json 'len(j["Tags"])')" = 1 ]
envcrypt alias create --target-key-id alias/team --alias-name alias/other
envcrypt data-key generate --key-id alias/default --number-of-bytes 8 --encryption-context a=b --json | matches Plaintext

# The beginning of a key ID is enough for a person, but not for the KMS API.
envcrypt encrypt -k "${key:0:8}" -o k.envc f; envcrypt inspect k.envc | matches "$key"
envcrypt decrypt -k "${key:0:13}" -o - k.envc | cmp - f
envcrypt keystore audit --key "${key^^}" | matches Encrypt
envcrypt keystore audit --key "${key:0:10}" | matches Encrypt
fails 69 envcrypt encrypt -k "${key:0:7}" f; fails 69 envcrypt encrypt -k "${key:0:8}x" f
fails 69 envcrypt kms describe-key --key-id "${key:0:8}"; says 'NotFoundException'
printf 'Resources: {A: {Type: "AWS::KMS::Alias", Properties: {AliasName: alias/t, TargetKeyId: %s}}}\n' "${key:0:8}" >t.yaml
fails 78 envcrypt template apply t.yaml; says "must be a key's ID or ARN"
escrow() {
  printf '{"keys": [{"provider-id": "envcrypt", "key-id": "%s/1", "algorithm": "aes", "type": "symmetric", ' "$1" >escrow.json
  printf '"bits": 256, "encoding": "base64", "material": "%s"}]}' "$(random 32 | base64)" >>escrow.json
  chmod 600 escrow.json
  envcrypt key import escrow.json
}
escrow 5ca1ab1e-0000-4000-8000-000000000001; escrow 5ca1ab1e-0000-4000-8000-000000000002
fails 64 envcrypt key describe 5ca1ab1e
says "several keys have an ID that begins with '5ca1ab1e': 5ca1ab1e-0000-4000-8000-000000000001, 5ca1ab1e-0000-4000-8000-000000000002"
envcrypt key disable 5CA1AB1E-0000-4000-8000-000000000002
[ "$(envcrypt key list | grep -c Disabled)" = 1 ]

# A name without alias/, or a misspelled one.
fails 69 envcrypt encrypt -k team f; says "there is no key 'team'"; says 'hint: did you mean alias/team?'
fails 69 envcrypt encrypt -k alias/teem f; says 'hint: did you mean alias/team?'
fails 69 envcrypt encrypt -k nothing-like-it f; says 'hint: envcrypt key list '
fails 64 envcrypt key create --alias backup; says 'hint: did you mean alias/backup?'

# Names of operations and actions that do not exist would otherwise seem to match nothing, or everything.
for name in Encrypt encrypt kms:encrypt; do envcrypt keystore audit --operation $name | matches ' Encrypt '; done
envcrypt keystore audit --operation generate-data-key | matches GenerateDataKey
envcrypt keystore audit --operation importkey | matches ImportKey
fails 64 envcrypt keystore audit --operation Decript; says "has no operation 'Decript'; did you mean 'Decrypt'?"
fails 64 envcrypt keystore audit --operation ListKeys; says "has no operation 'ListKeys'"
fails 64 envcrypt key policy simulate alias/team --action kms:Decript; says "did you mean 'kms:Decrypt'?"
envcrypt key policy simulate alias/team --action decrypt | matches '^kms:Decrypt: allowed'

# Values are listed once, and only those that work.
fails 64 envcrypt key create --spec AES; unsaid ML_DSA; unsaid SM2
[ "$(envcrypt help key create | grep -c EXTERNAL)" = 2 ]
envcrypt kms create-key help >create-key; matches HMAC_512 <create-key; [ "$(grep -c -e ML_DSA -e SM2 create-key)" = 0 ]

# Hints can be followed.
mkdir dir
fails 66 envcrypt inspect dir; says 'error: dir is a directory'; unsaid recursive
fails 66 envcrypt encrypt --keyring dir f; unsaid recursive
fails 66 envcrypt verify dir; says 'add --recursive'
fails 78 envcrypt decrypt --keystore none.db -o - c.envc; says 'there is no keystore'; unsaid 'envcrypt init'
fails 78 envcrypt verify -k team --keystore none.db c.envc; unsaid 'envcrypt init'
fails 78 envcrypt encrypt --keystore none.db f; says 'envcrypt init'
fails 64 envcrypt decrypt --offset 2 --length 3 < <(cat c.envc); says 'envcrypt decrypt | tail -c +3 | head -c 3'
[ "$(envcrypt decrypt <c.envc | tail -c +3 | head -c 3)" = "$(envcrypt decrypt --offset 2 --length 3 c.envc)" ]
fails 64 envcrypt encrypt --frob f; says 'hint: envcrypt help encrypt'

# An error names its file.
fails 65 envcrypt data-key decrypt f; says 'error: f: '
printf '{"Statement": []}' >policy.json
fails 64 envcrypt key policy put alias/team policy.json; says 'error: policy.json: '

# A name with a slash at its end is a directory.
echo 1 >plain
for command in encrypt decrypt verify; do fails 66 envcrypt $command plain/; says 'plain: not a directory'; absent plain.envc; done

# More keys than readers accept by default are warned of.
keys=; for n in $(seq 17); do openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout -out key$n.pem; keys="$keys -r key$n.pem"; done
envcrypt encrypt plain -o many.envc $keys 2>notes; grep -qF 'warning: 17 keys are more' notes; grep -qF -- '--max-encrypted-data-keys 17' notes
envcrypt encrypt plain -o less.envc ${keys% -r*} 2>notes; [ ! -s notes ]
# They are known as messages all the same.
mkdir held; mv plain many.envc held; envcrypt encrypt -q -R held 2>notes; [ ! -e held/many.envc.envc ]; [ -e held/plain.envc ]
