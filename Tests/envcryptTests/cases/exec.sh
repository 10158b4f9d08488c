# exec runs a command with the variables of messages. The plaintext is on no disk.
printf 'PGUSER=ann\nexport PGPASSWORD="s3cret-canary # $x"\n' | envcrypt encrypt -c app=db -o db.env.envc
echo '{"PGUSER": "bob", "PORT": 5432}' | envcrypt encrypt -o port.json.envc

envcrypt exec db.env.envc -- sh -c 'echo "$PGUSER $PGPASSWORD $HOME $1"' sh --help >out
envcrypt exec -c app=db db.env.envc -- sh -c 'echo "$PGUSER"' | matches -x ann
[ "$(cat out)" = "ann s3cret-canary # \$x $HOME --help" ]
envcrypt exec -k alias/default db.env.envc port.json.envc -- sh -c 'echo "$PGUSER $PORT"' | matches -x 'bob 5432'
envcrypt exec - -- sh -c 'cat; echo "$PORT"' <port.json.envc | matches -x 5432
# Only some of them, and nothing else.
[ "$(envcrypt exec --only PORT port.json.envc db.env.envc --pristine -- "$(command -v env)")" = PORT=5432 ]
[ -z "$(FOO=bar PORT=1 envcrypt exec --pristine db.env.envc -- env | grep -E 'FOO|PORT')" ]
PORT=1 envcrypt exec port.json.envc -- env | matches -x PORT=5432
[ "$(PORT=1 envcrypt exec port.json.envc -- env | grep -c ^PORT=)" = 1 ]
fails 65 envcrypt exec --only port port.json.envc -- true; says "there is no variable 'port'"
# Arguments are passed as they are, whatever bytes they have.
envcrypt exec port.json.envc -- printf '%s|' -- -c $'\xff' $'a\nb' '' 2>&1 | cmp - <(printf '%s|' -- -c $'\xff' $'a\nb' '')
# So is an environment that is not UTF-8, or has no names.
python3 - <<'P'
import os, subprocess
environment = {**os.environb, b"ODD\xff": b"\xfe=", b"EMPTY": b""}
shown = subprocess.run(["envcrypt", "exec", "port.json.envc", "--", "env", "-0"], env=environment, capture_output=True, check=True)
assert b"ODD\xff=\xfe=" in shown.stdout.split(b"\0") and b"EMPTY=" in shown.stdout.split(b"\0")
P

# The status is the command's, and the process is the command's: no shell and no envcrypt is left.
fails 7 envcrypt exec port.json.envc -- sh -c 'exit 7'
fails 0 envcrypt exec port.json.envc -- true
fails 127 envcrypt exec port.json.envc -- no-such-command; says "there is no command 'no-such-command'"
touch not-executable
fails 126 envcrypt exec port.json.envc -- ./not-executable; says "'./not-executable' cannot be run: permission denied"
fails 126 envcrypt exec port.json.envc -- /; says "cannot be run"
envcrypt exec port.json.envc -- sh -c 'echo $$; exec sleep 1000' >pid &
await test -s pid
[ "$(cat pid)" = $! ]
[ "$(tr '\0' ' ' </proc/$!/cmdline)" = 'sleep 1000 ' ]
kill -TERM $!
status=0; wait $! || status=$?; [ $status = 143 ]

# No descriptor of envcrypt and none of its signal settings reach the command; what it was started with does.
cat >shows.sh <<'P'
for link in /proc/self/fd/*; do case $(readlink $link) in pipe:*) echo "${link##*/} pipe";; *) echo "${link##*/} $(readlink $link)";; esac; done
grep -E '^Umask' /proc/self/status
# Without the real-time signals: the C library uses two of them in programs with threads.
while read -r name value; do case $name in SigBlk:|SigIgn:|SigCgt:) printf '%s %x\n' $name $((0x$value & 0x7fffffff));; esac; done </proc/self/status
P
for prepare in : 'trap "" PIPE' 'trap "" HUP INT QUIT TERM XFSZ' 'umask 077' 'exec 8<shows.sh'; do
  (eval "$prepare"; bash shows.sh >expected; envcrypt exec port.json.envc -- bash shows.sh >found)
  sed -i 's/\(expected\|found\)$/out/' expected found
  diff expected found
done
(set +o pipefail; envcrypt exec port.json.envc -- sh -c 'yes; echo $? >status' | head -1 >/dev/null)
[ "$(cat status)" = 141 ]

# A passphrase is not passed on.
umask 077; printf 'correct horse battery\n' >passphrase; umask 022
export ENVCRYPT_KEYSTORE=locked.db
envcrypt init -q --passphrase-file passphrase
echo A=b | envcrypt encrypt --passphrase-file passphrase -o locked.envc
envcrypt exec --passphrase-file passphrase locked.envc -- sh -c 'echo $A' | matches -x b
envcrypt exec --passphrase-fd 7 locked.envc -- sh -c 'echo $A; if (: <&7) 2>/dev/null; then exit 1; fi' 7<passphrase | matches -x b
fails 77 envcrypt exec locked.envc -- touch started
absent started
unset ENVCRYPT_KEYSTORE

# Variables that make programs run other code are refused, unless they are named.
for name in PATH LD_PRELOAD LD_AUDIT BASH_ENV IFS; do
  echo "$name=/nowhere" | envcrypt encrypt -f -o evil.envc
  fails 65 envcrypt exec evil.envc -- touch started; says "error: evil.envc: line 1: $name can make programs run other code"
  says "hint: if you trust who wrote the message, add: --allow $name"
done
echo "PATH=/nowhere" | envcrypt encrypt -f -o evil.envc
envcrypt exec --allow PATH evil.envc -- bash -c 'echo $PATH' | matches -x /nowhere
envcrypt exec --only PATH evil.envc -- bash -c 'echo $PATH' | matches -x /nowhere
absent started

# Nothing starts before everything is verified.
random 300000 | base64 -w 0 | sed 's/^/A=/' >large; envcrypt encrypt -o large.envc large
cp large.envc cut.envc; truncate -s -1 cut.envc
cp large.envc damaged.envc; flip damaged.envc 300000
fails 65 envcrypt exec port.json.envc cut.envc -- touch started; says 'cut.envc: truncated'
fails 65 envcrypt exec damaged.envc -- touch started; says 'damaged.envc: not authentic'
fails 65 envcrypt exec large.envc -- touch started; says 'large.envc: line 1: A is too long for an environment: it has more than 128.0 KiB'
head -c 1048577 /dev/zero | envcrypt encrypt -o huge.envc
fails 65 envcrypt exec huge.envc -- touch started; says 'huge.envc: the plaintext has more than 1.0 MiB'
fails 65 envcrypt exec shows.sh -- touch started; says 'shows.sh: not a message'
fails 66 envcrypt exec nothing.envc -- touch started; says 'cannot open nothing.envc'
fails 66 envcrypt exec . -- touch started; says '. is a directory'
fails 65 envcrypt exec -c app=web db.env.envc -- touch started; says 'wrong encryption context'
printf 'A=ok\nB=canary #x\n' | envcrypt encrypt -o bad.envc
fails 65 envcrypt exec bad.envc -- touch started; says "bad.envc: line 2: '#' after a blank in B"; fails 1 grep canary stderr
printf 'A=ok\n' | envcrypt encrypt -o $'line\nfeed.envc'
printf 'A\n' | envcrypt encrypt -o $'line\nbad.envc'
envcrypt exec $'line\nfeed.envc' -- sh -c 'echo $A' | matches -x ok
fails 65 envcrypt exec $'line\nbad.envc' -- touch started; says 'line\u{a}bad.envc: line 1'
fails 64 envcrypt exec port.json.envc; says 'there is no command to run'; says 'hint: envcrypt exec FILE -- COMMAND'
fails 64 envcrypt exec -- touch started; says 'there is no message to decrypt'
absent started

# Too much for the system.
for n in $(seq 8); do printf 'A%s=' $n; head -c 120000 /dev/zero | tr '\0' x; echo; done | envcrypt encrypt -o many.envc
(ulimit -s 512; fails 126 envcrypt exec many.envc -- true; says 'too many or too long variables')

# Each use is in the audit log before the command runs; without a record it does not start.
before=$(envcrypt keystore audit --operation Decrypt | wc -l)
[ "$(envcrypt exec port.json.envc -- sh -c 'envcrypt keystore audit --operation Decrypt | wc -l')" -gt "$before" ]
mv data/envcrypt/keystore.db-audit saved; mkdir data/envcrypt/keystore.db-audit
fails 74 envcrypt exec port.json.envc -- touch started; says 'so the command was not started'
rmdir data/envcrypt/keystore.db-audit; mv saved data/envcrypt/keystore.db-audit
absent started

# The value is in no file of this directory.
rm out
fails 1 grep -rq s3cret-canary .
