# A wrong clock destroys nothing: a key that is past its date counts as deleted, but two commands at least a day apart
# must find it due before it is destroyed.
if ldd "$(command -v envcrypt)" 2>&1 | matches 'not a dynamic'; then
  echo 'SKIPPED: nothing can be preloaded into a static binary'
  exit 0
fi
cc -shared -fPIC -O1 -o "$PWD/clock.so" "$(dirname "${BASH_SOURCE[0]}")/../clock.c"
# ahead DAYS COMMAND...: runs the command with a clock that is this many days ahead.
ahead() { local days=$1; shift; CLOCK_OFFSET=$((days * 86400)) LD_PRELOAD=$PWD/clock.so "$@"; }
# rows TABLE KEY-COLUMN ID: prints the number of rows in the keystore.
rows() { python3 -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(f"SELECT count(*) FROM {sys.argv[2]} WHERE {sys.argv[3]} = ?", (sys.argv[4],)).fetchone()[0])' "$XDG_DATA_HOME/envcrypt/keystore.db" "$@"; }
state() { envcrypt key describe "$1" --json | json 'j["KeyMetadata"]["KeyState"]'; }

echo text >f
id=$(envcrypt key create --alias alias/old)
envcrypt encrypt f -k alias/old -o old.envc
envcrypt encrypt f
day=$(envcrypt key schedule-deletion -y alias/old --days 30 --json 2>/dev/null | json 'j["DeletionDate"][:10]')

# For one command the clock is 40 days ahead.
ahead 40 envcrypt key create >created
ahead 40 envcrypt key list >shown; fails 1 grep -F "$id" shown
fails 69 ahead 40 envcrypt key cancel-deletion alias/old; says NotFoundException
ahead 40 envcrypt keystore status | matches -F "1 key waits to be destroyed, since $day"
ahead 40 envcrypt keystore status --json | json '[(d["KeyId"], "FoundDueDate" in d) for d in j["DueDestructions"]]' | matches -xF "[('$id', True)]"
ahead 40 envcrypt keystore check | matches -F '1 key waits to be destroyed'
[ "$(rows keyVersion keyID "$id")" = 1 ]

# The clock is correct again: the next command that uses a key warns once, and the waiting time starts again.
[ "$(state "$id")" = PendingDeletion ]
envcrypt decrypt f.envc -o - 2>stderr | cmp - f
says "warning: key $id was due to be destroyed when the clock said 20"
says 'but the clock now says 20'
[ "$(grep -c warning: stderr)" = 1 ]
envcrypt keystore audit --key "$id" | tail -1 | matches -E "^20.*Z  kms.amazonaws.com  RestartDeletionWait  $id  ok$"
envcrypt decrypt f.envc -o - 2>stderr | cmp - f
[ ! -s stderr ]
for days in 60 90 400; do
  ahead $days envcrypt key create >>created 2>/dev/null
  envcrypt encrypt f -f 2>/dev/null
done
[ "$(rows keyVersion keyID "$id")" = 1 ]
envcrypt key cancel-deletion alias/old 2>/dev/null; envcrypt key enable alias/old
envcrypt decrypt old.envc -o - | cmp - f

# Two commands a day apart destroy the key. The destruction, and a rotation, are recorded as the keystore's own.
envcrypt key schedule-deletion -y alias/old --days 7 2>/dev/null
ahead 8 envcrypt key create >>created
fails 73 ahead 8 envcrypt alias create alias/default alias/default
[ "$(rows masterKey id "$id")" = 1 ]
ahead 9 envcrypt encrypt f -f
[ "$(rows masterKey id "$id")" = 0 ]; [ "$(rows keyVersion keyID "$id")" = 0 ]
fails 69 envcrypt decrypt old.envc -o -
envcrypt keystore audit --key "$id" | tail -1 | matches -E "^20.*Z  kms.amazonaws.com  DeleteKey  $id  ok$"
envcrypt keystore audit --operation DeleteKey --json | json '[(r["eventType"], r["userIdentity"]) for r in j["Records"]]' |
  matches -xF "[('AwsServiceEvent', {'invokedBy': 'kms.amazonaws.com', 'type': 'AWSService'})]"
envcrypt keystore audit --operation RotateKey | matches -E "kms.amazonaws.com  RotateKey  .*  version 2  ok$"
envcrypt keystore check | matches 'all as envcrypt wrote them'

# A clock that is ahead ends no rotation: the next command counts from now, and says so once.
often=$(envcrypt key create --alias alias/often); envcrypt key rotation enable alias/often --days 90 >/dev/null
next() { envcrypt kms get-key-rotation-status --key-id "$often" | json 'j["NextRotationDate"][:10]'; }
right=$(next)
ahead 4000 envcrypt encrypt -q -f f -k alias/often 2>/dev/null
[ "$(next)" != "$right" ]
envcrypt encrypt -q -f f -k alias/often 2>stderr
says "the next rotation of key"; says 'the period is counted from now'
envcrypt keystore audit --operation RescheduleRotation | matches -F "kms.amazonaws.com  RescheduleRotation  $often  ok"
[ "$(next)" = "$right" ] || [ "$(next)" = "$(date -u -d '+90 days' +%F)" ]
envcrypt encrypt -q -f f -k alias/often 2>stderr; [ ! -s stderr ]
envcrypt keystore check >/dev/null

# Imported material that expires.
cat >import.sh <<'P2'
envcrypt kms get-parameters-for-import --key-id "$1" --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_2048 >parameters
json 'j["ImportToken"]' <parameters | base64 -d >token
json 'j["PublicKey"]' <parameters | base64 -d >wrapping.der
openssl pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in material -out wrapped
envcrypt kms import-key-material --key-id "$1" --import-token fileb://token --encrypted-key-material fileb://wrapped --valid-to "$(date -u -d '+10 days' +%FT%TZ)" >imported
P2
theirs=$(envcrypt key create --origin EXTERNAL)
random 32 >material
. ./import.sh "$theirs"
envcrypt encrypt f -k "$theirs" -o theirs.envc
ahead 11 envcrypt key create >>created
ahead 11 envcrypt keystore status | matches -F '1 imported key material waits to be destroyed'
fails 69 ahead 11 envcrypt decrypt theirs.envc -o -; says PendingImport
envcrypt key create >>created 2>stderr; says "key $theirs was due to be destroyed"
envcrypt keystore audit --key "$theirs" | matches -E "RestartDeletionWait  $theirs  version 1  ok$"
envcrypt decrypt theirs.envc -o - | cmp - f
ahead 11 envcrypt key create >>created
ahead 12 envcrypt key create >>created
fails 69 envcrypt decrypt theirs.envc -o -; says PendingImport
envcrypt keystore audit --key "$theirs" | matches -F 'DeleteExpiredKeyMaterial'

# The owner does not have to wait, but must confirm on a terminal.
id=$(envcrypt key create --alias alias/due)
envcrypt keystore check --destroy-due 2>stderr >shown; says 'nothing is due to be destroyed'
envcrypt key schedule-deletion -y "$id" --days 7 2>/dev/null
envcrypt key export "$id" -o escrow.json 2>/dev/null
fails 73 ahead 8 envcrypt key import escrow.json
says "key $id is past its deletion date, but not destroyed yet"
says 'hint: envcrypt keystore check --destroy-due'
destroy=(env CLOCK_OFFSET=$((8 * 86400)) LD_PRELOAD="$PWD/clock.so" envcrypt keystore check --destroy-due)
for answer in n $'\n'; do
  fails 77 on_terminal "$answer" "${destroy[@]}" >shown
  matches -F 'Destroy now? [y/N]' <shown; matches 'not confirmed' <shown; matches "$id" <shown
done
[ "$(rows masterKey id "$id")" = 1 ]
on_terminal y "${destroy[@]}" | matches "destroyed: key $id"
[ "$(rows masterKey id "$id")" = 0 ]
envcrypt keystore audit --key "$id" | tail -2 | sed 's/^[^ ]* *//' | diff - <(printf '%s\n' "kms.amazonaws.com  DeleteKey  $id  ok" "$(id -un)  DestroyDue  $id  ok")
[ "$(ahead 8 envcrypt key import escrow.json)" = "$id" ]

# Nobody else can do that.
if [ "$(id -u)" = 0 ] && id backup >/dev/null 2>&1; then
  chmod 755 . && chown -R backup: "$XDG_DATA_HOME"
  store=$XDG_DATA_HOME/envcrypt/keystore.db
  chgrp backup "$XDG_DATA_HOME/envcrypt" "$store"*; chmod 2770 "$XDG_DATA_HOME/envcrypt"; chmod 660 "$store"*
  chown root "$store"
  fails 77 setpriv --reuid backup --regid backup --clear-groups envcrypt keystore check --destroy-due --keystore "$store"
  says AccessDeniedException
else
  echo 'SKIPPED: another user needs root and a user backup'
fi
