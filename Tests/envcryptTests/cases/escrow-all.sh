# 'key export --all' writes every key that opens messages, with all versions, and 'init --import' makes a keystore of it
# on a new machine: the old messages open, and new ones are under the current versions, which are rotated as before.
envcrypt key create --alias alias/backup > backup; envcrypt alias create alias/second alias/backup
envcrypt key create --spec RSA_2048 --alias alias/rsa > /dev/null
envcrypt key create --spec ECC_NIST_P256 --usage KEY_AGREEMENT --alias alias/ec > /dev/null
envcrypt key create --alias alias/off > /dev/null
echo text > a
for version in 1 2 3; do
  envcrypt encrypt a -k alias/backup -o "backup$version.envc"
  [ $version = 3 ] || envcrypt key rotate alias/backup
done
for key in default rsa ec off; do envcrypt encrypt a -k alias/$key -o $key.envc; done
envcrypt key disable alias/off
envcrypt key export --all -o all.json 2> stderr
says 'keys 5, versions 7'; says 'warning: the file has the keys unencrypted'; [ "$(stat -c %a all.json)" = 600 ]
json 'sorted(j["aliases"])' < all.json | matches -xF "['alias/backup', 'alias/default', 'alias/ec', 'alias/off', 'alias/rsa', 'alias/second']"
for message in *.envc; do envcrypt decrypt "$message" -o - --keyring all.json --keystore none.db | cmp - a; done
envcrypt keystore audit --json | json '[r["eventName"] for r in j["Records"] if r["eventName"].startswith("Export")]' > names
[ "$(cat names)" = "['ExportKey', 'ExportKey', 'ExportKey', 'ExportKey', 'ExportKey', 'ExportAllKeys']" ]
envcrypt keystore audit --operation ExportAllKeys | matches 'Keys=5  Versions=7  ok'
# Keys that open no messages, and a key without material.
envcrypt key create --spec HMAC_256 > /dev/null; envcrypt key create --spec RSA_2048 --usage SIGN_VERIFY > /dev/null
envcrypt key create --origin EXTERNAL > /dev/null
envcrypt key export --all -o - 2> stderr | cmp - all.json
says 'not exported, because they open no messages: HMAC and signing keys (2)'; says 'they have no material: 1 keys'

# A new machine.
new=$PWD/new/keystore.db
envcrypt init --protector none --keystore "$new" --import all.json 2> stderr
says 'keys from all.json: 5'
for message in *.envc; do envcrypt decrypt "$message" -o - --keystore "$new" | cmp - a; done
for key in default rsa ec off backup; do
  [ "$(envcrypt key describe alias/$key --json | json 'j["KeyMetadata"]["KeyId"]')" \
    = "$(envcrypt key describe alias/$key --json --keystore "$new" | json 'j["KeyMetadata"]["KeyId"]')" ]
done
envcrypt encrypt a -k alias/second --keystore "$new" -o new.envc
envcrypt inspect new.envc --json | matches "$(cat backup)/3"
# Its keys are as those that it makes itself: the default key is rotated every year, and the others when you like.
envcrypt key describe alias/default --json --keystore "$new" > default
json 'j["KeyMetadata"]["KeyManager"], j["KeyMetadata"]["Origin"]' < default | matches -xF "('AWS', 'AWS_KMS')"
envcrypt key rotate alias/backup --keystore "$new"; envcrypt key rotation enable alias/backup --keystore "$new"
envcrypt encrypt -f a -k alias/backup --keystore "$new" -o new.envc; envcrypt inspect new.envc --json | matches "$(cat backup)/4"
envcrypt keystore check --keystore "$new" | matches 'all as envcrypt wrote them'
envcrypt keystore audit --keystore "$new" --json | json '[r["eventName"] for r in j["Records"]].count("ImportKey")' | matches -x 5
# Exported again, the file has what it had, and the new version.
envcrypt key export --all --keystore "$new" -o again.json 2> stderr; says 'keys 5, versions 8'

# A file of one key, also from before files had aliases: it becomes the default key.
envcrypt key export alias/backup -o one.json 2> /dev/null
python3 - <<'P'
import json
j = json.load(open("one.json")); assert sorted(j["aliases"]) == ["alias/backup", "alias/second"], j["aliases"]
del j["aliases"]; json.dump(j, open("old.json", "w"))
P
chmod 600 old.json
envcrypt init -q --protector none --keystore old.db --import - < old.json
envcrypt encrypt a --keystore old.db -o old.envc; envcrypt inspect old.envc --json | matches "$(cat backup)/3"
# If none of the aliases is the default one, there is a new default key.
envcrypt init -q --protector none --keystore one.db --import one.json
envcrypt alias list --keystore one.db | matches -c alias/default; envcrypt decrypt backup1.envc -o - --keystore one.db | cmp - a
# Keys of other programs.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out theirs.pem 2> /dev/null; chmod 600 theirs.pem
openssl pkey -in theirs.pem -pubout -out theirs.pub; envcrypt encrypt a -r theirs.pub -o theirs.envc
envcrypt init -q --protector none --keystore theirs.db --import theirs.pem
envcrypt decrypt theirs.envc -o - --keystore theirs.db | cmp - a

# Nothing is made of a file that is wrong.
edit() { python3 -c "import json; j = json.load(open('all.json')); $1; json.dump(j, open('bad.json', 'w'))"; chmod 600 bad.json; }
refused() { fails "$1" envcrypt init -q --protector key-file:x.key --keystore bad.db --import bad.json; says "$2"; absent bad.db bad.db-audit x.key; }
edit 'j["keys"] = [k for k in j["keys"] if not k["key-id"].endswith("/2")]'; refused 78 'are not 1 to 2'
edit 'j["aliases"]["alias/x"] = "nokey"'; refused 78 "the file has no key 'nokey', which it calls 'alias/x'"
edit 'j["aliases"]["x"] = j["aliases"]["alias/rsa"]'; refused 78 "bad.json: 'x' is not an alias name"
edit 'j["aliases"] = []'; refused 78 'bad.json: not a keyring file: aliases is of the wrong type'
edit 'j["keys"].append(j["keys"][0])'; refused 78 'are not 1 to'
chmod 644 bad.json; refused 77 'chmod'
cp theirs.pub bad.json; refused 69 'a public key alone cannot be imported'
fails 73 envcrypt init -q --protector none --import all.json; says 'there is already a keystore'
fails 66 envcrypt init -q --protector none --keystore bad.db --import gone.json; absent bad.db

# A key whose policy forbids it is named, and missing in the file; the others are there.
cat > deny.json <<'J'
{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": "*", "Action": "kms:ExportKey", "Resource": "*"}]}
J
envcrypt key policy put alias/rsa deny.json
fails 77 envcrypt key export --all -o most.json
says 'not exported: key '; says 'AccessDeniedException'; says 'the file is written, but keys are missing in it: 1'
json 'len({k["key-id"].split("/")[0] for k in j["keys"] if k["provider-id"] == "envcrypt"})' < most.json | matches -x 4
# A key that somebody removed from the file by hand is named, too.
cp "$XDG_DATA_HOME/envcrypt/keystore.db" hand.db; chmod 600 hand.db
python3 - "$(cat backup)" <<'P'
import sqlite3, sys
db = sqlite3.connect("hand.db"); db.execute("PRAGMA foreign_keys = OFF")
db.execute("DELETE FROM masterKey WHERE id = ?", sys.argv[1:]); db.commit()
P
fails 77 envcrypt key export --all -o most.json -f --keystore hand.db; says "key $(cat backup)"; says 'keys are missing in it: 2'
fails 64 envcrypt key export; says '--all exports every key'
fails 64 envcrypt key export alias/rsa --all; says 'not both'
fails 73 envcrypt key export --all -o all.json; says 'exists'
