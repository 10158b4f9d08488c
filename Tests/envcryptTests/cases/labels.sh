# Labels of protectors: shown, accepted by 'remove' if unique, kept by 'passwd', and authenticated.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
printf 'correct horse\n' > one; printf 'battery staple\n' > two; printf 'third one 3\n' > three
envcrypt init -q --passphrase-file one
envcrypt keystore protector add passphrase --label 'the office' --passphrase-file one --new-passphrase-file two > id
envcrypt keystore protector list | matches -E "^$(cat id) +passphrase +\S+ \S+ +the office|^$(cat id) .*the office"
envcrypt keystore protector list --json | json '[p.get("Label") for p in j["Protectors"]]' | matches -xF "[None, 'the office']"
envcrypt keystore status | matches "passphrase, passphrase 'the office'"
envcrypt keystore audit --operation AddProtector | matches -F 'Label=the office'
# passwd keeps it.
envcrypt keystore passwd -q --passphrase-file two --new-passphrase-file three
envcrypt keystore protector list --json | json '[p.get("Label") for p in j["Protectors"]]' | matches -xF "[None, 'the office']"
envcrypt keystore check --passphrase-file three | matches 'all as envcrypt wrote them'
# Removed by its label, if only one has it.
envcrypt keystore protector add key-file:k1 --label safe --passphrase-file one > first
envcrypt keystore protector add key-file:k2 --label safe --passphrase-file one > /dev/null
fails 64 envcrypt keystore protector remove safe; says "2 protectors have the label 'safe'"
envcrypt keystore protector remove "$(cat first)"; envcrypt keystore protector remove safe --passphrase-file one
[ "$(envcrypt keystore protector list --json | json 'len(j["Protectors"])')" = 2 ]
envcrypt keystore protector remove 'the office' --passphrase-file one
fails 64 envcrypt keystore protector remove 'the office' --passphrase-file one
# Texts that are not labels are refused.
long=$(printf 'x%.0s' {1..65})
for label in '' ' x' 'x ' $'a\nb' $'a\eb' $'a\u202eb' "$long" 0123abcd; do
  fails 64 envcrypt keystore protector add none --label "$label" --passphrase-file one; says 'a label has 1 to 64'
done
envcrypt keystore protector add key-file:k3 --label "${long:1}" --passphrase-file one > /dev/null
envcrypt keystore protector add key-file:k4 --label 'größe λ 🙂' --passphrase-file one > /dev/null
# An edited label is noticed: the protector does not count.
python3 -c 'import sqlite3; db = sqlite3.connect("p.db"); db.execute("UPDATE protector SET label = \"mine\" WHERE label LIKE \"gr%\""); db.commit()'
fails 78 envcrypt keystore check --passphrase-file one; says protector
fails 78 envcrypt encrypt --key-file k4 one -o x.envc
