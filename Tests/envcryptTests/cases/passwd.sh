# 'keystore passwd' replaces the passphrase that was given, and no other protector.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
printf 'correct horse\n' > old; printf 'battery staple\n' > new; printf 'another one\n' > other; printf 'wrong one\n' > wrong
envcrypt init -q --passphrase-file old; echo text > a; envcrypt encrypt a --passphrase-file old
envcrypt keystore protector add key-file:usb.key --passphrase-file old > /dev/null
envcrypt keystore protector add passphrase --passphrase-file old --new-passphrase-file other > /dev/null
envcrypt keystore protector list --json > before; cp p.db earlier.db
# The passphrase is needed, even if a key file opens the keystore.
fails 77 envcrypt keystore passwd --passphrase-file wrong --new-passphrase-file new; says 'wrong passphrase'
envcrypt keystore protector list --json | cmp - before
envcrypt keystore passwd --passphrase-file old --new-passphrase-file new 2> stderr
says "the passphrase of $PWD/p.db is changed"
mv usb.key moved.key
fails 77 envcrypt decrypt a.envc -o - --passphrase-file old
for passphrase in new other; do envcrypt decrypt a.envc -o - --passphrase-file $passphrase | cmp - a; done
envcrypt decrypt a.envc -o - --key-file moved.key | cmp - a
envcrypt decrypt a.envc -o - --keystore earlier.db --passphrase-file old | cmp - a
# One protector went, and one came: the others are as they were.
envcrypt keystore protector list --json > after
python3 - <<'P'
import json
before, after = ({p["ProtectorId"]: p for p in json.load(open(f))["Protectors"]} for f in ("before", "after"))
assert len(before) == len(after) == 3 and len(set(before) & set(after)) == 2, (before, after)
assert all(before[i] == after[i] for i in set(before) & set(after))
P
envcrypt keystore audit --operation ChangePassphrase --passphrase-file new | matches -E 'NewProtectorId=\w+  ProtectorId=\w+  ok'
envcrypt keystore check --passphrase-file new | matches 'all as envcrypt wrote them'
# On a terminal: the present passphrase once, the new one twice.
on_terminal $'battery staple\nthird one 3\nthird one 3' envcrypt keystore passwd > shown
matches 'New passphrase for' < shown; matches 'is changed' < shown; ! matches 'third one' < shown || exit 1
printf 'third one 3\n' > third; envcrypt decrypt a.envc -o - --passphrase-file third | cmp - a
fails 64 on_terminal $'third one 3\nxxxxxxxxx\nyyyyyyyyy' envcrypt keystore passwd > shown; matches 'the two passphrases differ' < shown
fails 64 on_terminal $'third one 3\n\n' envcrypt keystore passwd > shown; matches 'nothing was typed' < shown
envcrypt decrypt a.envc -o - --passphrase-file third | cmp - a
# A short one causes a warning, and an empty one is refused.
printf '\n' > empty; fails 64 envcrypt keystore passwd --passphrase-file third --new-passphrase-file empty
printf 'short\n' > short; envcrypt keystore passwd -q --passphrase-file third --new-passphrase-file short 2> stderr
says 'fewer than 8 characters'; says 'hint: envcrypt keystore passwd'; [ "$(wc -l < stderr)" = 2 ]
# The only protector can be changed, and the keystore is never without one.
envcrypt init -q --passphrase-file old --keystore one.db
envcrypt keystore passwd -q --passphrase-file old --new-passphrase-file new --keystore one.db
envcrypt keystore protector list --json --keystore one.db | json 'len(j["Protectors"])' | matches -x 1
fails 77 envcrypt key export alias/default -o e.json --passphrase-file old --keystore one.db
# A keystore without a passphrase, and a keystore in use by others.
envcrypt init -q --protector none --keystore none.db
fails 64 envcrypt keystore passwd --new-passphrase-file new --keystore none.db; says 'has no passphrase'; says 'protector add --keystore none.db passphrase'
fails 77 setsid -w envcrypt keystore passwd < /dev/null; says 'no terminal'
