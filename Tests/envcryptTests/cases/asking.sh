# A passphrase is asked for only if the run can work, and three times at most.

on_terminal $'pass\npass' envcrypt init --keystore p.db > shown
for n in a b c; do echo $n > $n; on_terminal pass envcrypt encrypt --keystore p.db $n > shown; done
export ENVCRYPT_KEYSTORE=p.db

# unasked STATUS TEXT COMMAND...: the command fails with the status and the text before it asks. No answer is typed: if it
# asked, the case would wait in vain.
unasked() {
  local status=$1 text=$2; shift 2
  fails "$status" timeout 60 bash -c 'on_terminal "" "$@"' unasked "$@" > shown
  matches -F -- "$text" < shown; if matches 'Passphrase' < shown; then cat shown; return 1; fi
}
export -f on_terminal
for command in encrypt decrypt verify reencrypt; do
  unasked 66 'cannot open missing.envc: no such file' envcrypt $command missing.envc
  unasked 66 'no such file' envcrypt $command missing.envc missing2.envc
done
unasked 73 'a exists already' envcrypt decrypt a.envc
unasked 73 'b exists already' envcrypt decrypt a.envc -o b
unasked 73 'a.envc exists already' envcrypt encrypt a
unasked 73 'exists already' envcrypt encrypt a b c
unasked 73 'mkdir -p -- none' envcrypt decrypt a.envc -o none/a
unasked 66 'add --recursive' envcrypt encrypt .
mkdir tree; cp a.envc b.envc tree; echo a > tree/a; echo b > tree/b
unasked 73 'exists already' envcrypt decrypt -R tree
unasked 64 'a message is binary' envcrypt encrypt a -o -
if [ "$(id -u)" != 0 ]; then
  mkdir -m 555 closed; unasked 73 'cannot create closed' envcrypt decrypt a.envc -o closed/a
fi

# One job that can work is enough, and the others fail as always.
rm b
fails 73 on_terminal pass envcrypt decrypt a.envc b.envc missing.envc > shown; [ "$(cat b)" = b ]
matches 'a exists already' < shown; matches 'cannot open missing.envc' < shown
[ "$(grep -c 'Passphrase for' shown)" = 1 ]
on_terminal pass envcrypt encrypt -f a > shown
on_terminal pass envcrypt encrypt a -o - --armor | matches 'BEGIN ENVCRYPT'
rm tree/b; fails 73 on_terminal pass envcrypt decrypt -R tree > shown; [ "$(cat tree/b)" = b ]

# The second or the third passphrase may be the right one.
on_terminal $'wrong\npass' envcrypt decrypt a.envc -o - > shown; matches '^a' < shown; matches 'Wrong passphrase, try again' < shown
on_terminal $'wrong\nfalse\npass' envcrypt decrypt a.envc -o - > shown; matches '^a' < shown
fails 77 on_terminal $'wrong\nfalse\nbad\npass' envcrypt decrypt a.envc b.envc -o tree -f > shown
[ "$(grep -c 'error: ' shown)" = 1 ]; matches 'error: wrong passphrase for the keystore p.db' < shown
[ "$(grep -c 'Passphrase for p.db' shown)" = 3 ]
on_terminal $'wrong\npass' envcrypt key export alias/default -o escrow.json > shown; [ -s escrow.json ]
# A file and a command have one try.
echo wrong > wrong; chmod 600 wrong
fails 77 envcrypt decrypt a.envc -o - --passphrase-file wrong
fails 77 env ENVCRYPT_PASSPHRASE_COMMAND='echo x >> ran; echo wrong' envcrypt decrypt a.envc -o -; [ "$(wc -l < ran)" = 1 ]
# The command may ask a person: it does not run for a run that cannot work.
fails 66 env ENVCRYPT_PASSPHRASE_COMMAND='echo x >> ran; echo pass' envcrypt encrypt missing; [ "$(wc -l < ran)" = 1 ]
unset ENVCRYPT_KEYSTORE

# init says what to keep, with commands that work when they are pasted.
on_terminal $'passphrase\npassphrase' envcrypt init --keystore 'my keys.db' > shown
matches 'write the passphrase down' < shown; rm escrow.json
grep 'hint: envcrypt' shown | sed 's/.*hint: //' | tr -d '\r' > commands; [ "$(wc -l < commands)" = 2 ]
matches -F "envcrypt keystore backup --keystore 'my keys.db' " < commands
while read -r command; do echo passphrase > pass; chmod 600 pass; eval "$command --passphrase-file pass"; done < commands
[ -s keystore-backup.db ]; [ -s escrow.json ]
envcrypt init --keystore k.db --protector "key-file:$PWD/k.key" 2> told; matches -F "keep a copy of the key file $PWD/k.key" < told
envcrypt init -q --keystore q.db --protector none 2> told; [ ! -s told ] || { cat told; false; }

# Hints name the keystore that the user named.
fails 69 envcrypt encrypt --keystore k.db -k alias/none a; says 'hint: envcrypt key list --keystore k.db shows'
key=$(envcrypt key create --keystore 'my keys.db' --passphrase-file pass)
envcrypt key disable "$key" --keystore 'my keys.db' --passphrase-file pass
fails 69 envcrypt encrypt -k "$key" --keystore 'my keys.db' --passphrase-file pass -f a
says "hint: envcrypt key enable --keystore 'my keys.db' $key"
eval "$(sed -n 's/.*hint: //p' stderr) --passphrase-file pass"
envcrypt encrypt -k "$key" --keystore 'my keys.db' --passphrase-file pass -f a
fails 69 envcrypt encrypt -k alias/none a; says 'hint: envcrypt key list shows'
