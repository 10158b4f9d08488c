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

# With --update, nobody is asked before a file is found that has something to do.
quiet() { timeout 60 bash -c 'on_terminal "" "$@"' quiet "$@" > shown; if matches 'Passphrase' < shown; then cat shown; return 1; fi; }
mkdir many outs; for n in $(seq 70); do echo $n > many/$n; done; mkdir many/sub; echo x > many/sub/x
on_terminal pass envcrypt encrypt -R many -o outs --update > shown; matches '71 files done' < shown
[ "$(grep -c 'Passphrase for' shown)" = 1 ]
quiet envcrypt encrypt -R many -o outs --update; matches '0 files done, 71 left as they are' < shown
quiet envcrypt encrypt -R many -o outs --update -k alias/default --delete
quiet env ENVCRYPT_PASSPHRASE_COMMAND='echo x >> asked; echo pass' envcrypt encrypt -R many -o outs --update; absent asked
quiet envcrypt encrypt many/1 -o outs/many/1.envc --update
# A message with another encryption context is told; other keys only if the keys of this run were needed.
quiet envcrypt encrypt -R many -o outs --update -c a=b; matches '71 messages of earlier runs have other keys' < shown
echo new > many/new; on_terminal pass envcrypt encrypt -R many -o outs --update > shown; matches '1 file done, 71 left' < shown
[ "$(grep -c 'Passphrase for' shown)" = 1 ]
on_terminal pass envcrypt decrypt -R outs/many -o back > shown; diff -r many back/many
quiet envcrypt decrypt -R outs/many -o back --update; matches '0 files done, 72 left as they are' < shown
quiet envcrypt decrypt -R outs/many -o back --update -k alias/default; matches '0 files done, 72 left as they are' < shown
# A file that must not be replaced is told without a question, and so is a directory in the place of an output.
echo mine > outs/many/5.envc; rm outs/many/6.envc; mkdir outs/many/6.envc; rm outs/many/7.envc; ln -s 1.envc outs/many/7.envc
unasked 73 '5.envc exists already' envcrypt encrypt -R many -o outs --update; matches '6.envc is a directory' < shown
matches '7.envc is a symbolic link' < shown; matches '3 failed' < shown
unasked 73 '5.envc exists already' envcrypt encrypt many/5 -o outs/many/5.envc --update
unasked 73 'mkdir -p -- no' envcrypt encrypt many/5 -o no/5.envc --update
echo edited > back/many/8; unasked 73 '8 exists already' envcrypt decrypt outs/many/8.envc -o back/many/8 --update
unasked 73 '8 exists already' envcrypt decrypt -R outs/many -o back --update --exclude /many/[567]
# The others are still done, after one question; a wrong passphrase and a wrong key are told once.
echo more > many/9; echo more > many/10
fails 73 on_terminal pass envcrypt encrypt -R many -o outs --update > shown; matches '2 files done' < shown; [ "$(grep -c 'Passphrase for' shown)" = 1 ]
echo again > many/9; echo again > many/10; rm -r outs/many/[567].envc
fails 77 on_terminal $'bad\nbad\nbad' envcrypt encrypt -R many -o outs --update > shown; [ "$(grep -c 'error: ' shown)" = 1 ]
fails 69 on_terminal pass envcrypt encrypt -R many -o outs --update -k alias/none > shown; [ "$(grep -c 'error: ' shown)" = 1 ]
[ "$(grep -c 'Passphrase for' shown)" = 1 ]; matches 'alias/none' < shown
fails 69 on_terminal pass envcrypt decrypt -R outs/many -o back --update -f -k alias/none > shown; matches 'alias/none' < shown
[ "$(grep -c 'error: ' shown)" = 1 ]
on_terminal pass envcrypt encrypt -R many -o outs --update > shown; matches '5 files done' < shown
# Without a question, wrong keys are told even if there is nothing to do.
echo pass > right; chmod 600 right
fails 69 envcrypt encrypt -R many -o outs --update -k alias/none --passphrase-file right
fails 69 envcrypt decrypt -R outs/many -o back --update -k alias/none --passphrase-file right; rm right

# Other commands look at their output first, too.
echo there > there; echo 'correct horse battery' > words; chmod 600 words
key=$(on_terminal pass envcrypt key create --spec RSA_2048 -q | tail -1 | tr -d '\r')
for command in 'key export alias/default' 'key export --all' 'key export --all --encrypt-with passphrase' "key public-key $key" \
  'data-key generate --no-plaintext'; do
  unasked 73 'there exists already' envcrypt $command -o there
  unasked 73 'mkdir -p -- none' envcrypt $command -o none/there
  unasked 73 'is the name of a directory' envcrypt $command -o tree/
done
[ "$(cat there)" = there ]
unasked 73 'there is not a backup' envcrypt keystore backup -f there
unasked 73 'there exists already' envcrypt keystore backup there
unasked 73 'there is already a keystore' envcrypt init
envcrypt keystore backup copy.db; unasked 73 'there is already a keystore' envcrypt keystore restore copy.db
unasked 73 'there is already a keystore' envcrypt init --import there
unasked 73 'mkdir -p -- none' envcrypt edit none/new.envc

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
# So do those of kms, of reports in JSON, and of commands that are not about files.
fails 69 envcrypt kms enable-key --key-id alias/none --keystore k.db; says 'envcrypt key list --keystore k.db'
fails 69 envcrypt encrypt --json --keystore k.db -k alias/none a > report
matches 'envcrypt key list --keystore k.db shows' < report
fails 69 envcrypt key describe alias/none --keystore=k.db; says 'envcrypt key list --keystore k.db'
fails 78 envcrypt keystore check --json --keystore gone.db > report; matches -- '--keystore gone.db' < report
