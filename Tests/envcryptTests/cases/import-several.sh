# 'key import' takes a file with several keys into a keystore that has keys already: all of them, or none.
envcrypt key create --alias alias/one > one; envcrypt key create --alias alias/two > two
echo text > a; for n in one two; do envcrypt encrypt a -k alias/$n -o $n.envc; done
envcrypt key rotate -q alias/two
envcrypt key export --all -o all.json 2> stderr; default=$(envcrypt key describe alias/default --json | json 'j["KeyMetadata"]["KeyId"]')

export ENVCRYPT_KEYSTORE=$PWD/other.db
envcrypt init -q --protector none; own=$(envcrypt key describe alias/default --json | json 'j["KeyMetadata"]["KeyId"]')
envcrypt key create --alias alias/one > /dev/null
envcrypt key import all.json > ids 2> stderr
sort ids | cmp - <(sort one two <(echo "$default"))
says 'keys imported from all.json: 3'
# Aliases that name other keys stay.
says "alias/one names another key here, and not $(cat one)"; says "alias/default names another key here, and not $default"
[ "$(envcrypt key describe alias/default --json | json 'j["KeyMetadata"]["KeyId"]')" = "$own" ]
[ "$(envcrypt key describe alias/two --json | json 'j["KeyMetadata"]["KeyId"]')" = "$(cat two)" ]
for n in one two; do envcrypt decrypt $n.envc -o - | cmp - a; done
envcrypt encrypt a -k alias/two -o new.envc; envcrypt inspect new.envc --json | matches "$(cat two)/2"
envcrypt keystore audit --operation ImportKey | matches -c "$(cat two)"
envcrypt keystore check | matches 'all as envcrypt wrote them'
# Again: nothing is imported, and this is said.
envcrypt key import all.json > ids 2> stderr; [ ! -s ids ]
says "key $(cat one) is in the keystore already"; says 'keys imported from all.json: 0'
envcrypt key import -q --json all.json 2> stderr | json 'j["Keys"], len(j["PresentKeyIds"])' | matches -xF '([], 3)'; [ ! -s stderr ]
# What is not the same is refused, and nothing is imported.
unset ENVCRYPT_KEYSTORE; envcrypt key rotate -q alias/two; envcrypt key create --alias alias/three > three
envcrypt key export --all -o later.json 2> stderr; export ENVCRYPT_KEYSTORE=$PWD/other.db
fails 73 envcrypt key import later.json; says "key $(cat two), but without version 3 of the file, already exists"
fails 69 envcrypt key describe "$(cat three)"
# A failure in the middle of the work: no key is there afterwards.
edit() { python3 -c "import json; j = json.load(open('all.json')); $1; json.dump(j, open('bad.json', 'w'))"; chmod 600 bad.json; }
envcrypt init -q --keystore empty.db --protector none
edit "j['aliases'].update({'alias/x%d' % n: '$(cat two)' for n in range(60)})"
fails 73 envcrypt key import bad.json --keystore empty.db; says 'at most 50 aliases'
envcrypt key list --json --keystore empty.db | json 'len(j["Keys"])' | matches -x 1
envcrypt keystore check --keystore empty.db | matches 'all as envcrypt wrote them'

# The file and the status are named if the file is wrong; the two options are for one key.
refused() { fails "$1" envcrypt key import bad.json; says "error: bad.json: $2"; fails "$1" envcrypt init -q --protector none --keystore n.db --import bad.json; says "error: bad.json: $2"; absent n.db; }
edit 'j["keys"] = [k for k in j["keys"] if not k["key-id"].endswith("/1")]'; refused 78 'the versions of key'
edit 'j["aliases"]["alias/aws/x"] = j["aliases"]["alias/two"]'; refused 78 "'alias/aws/x' is not an alias name"
says 'hint: alias/ and 1 to 250 letters'
fails 64 envcrypt key import all.json --alias alias/all; says 'all.json has 3 keys'
# An encrypted file.
echo correct-horse > pass; chmod 600 pass; unset ENVCRYPT_KEYSTORE
envcrypt key export --all --encrypt-with passphrase --escrow-passphrase-file pass -o all.pem 2> stderr
envcrypt key import all.pem --escrow-passphrase-file pass --keystore empty.db | matches -xF "$(cat three)"
