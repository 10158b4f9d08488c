# A keystore that requires auditing: without a record no key is used, whatever a shell can do to the log.
export ENVCRYPT_KEYSTORE=$PWD/store/k.db
log=$ENVCRYPT_KEYSTORE-audit
mkdir -m 700 store
envcrypt init -q --protector none --require-audit
envcrypt keystore status | matches 'audit  *required'
envcrypt keystore status --json | json 'j["RequiresAudit"]' | matches -x True
echo secret > f; envcrypt encrypt f
envcrypt encrypt -c a=b f -o many.envc
envcrypt data-key generate -k alias/default -o wrapped > /dev/null
envcrypt kms encrypt --key-id alias/default --plaintext fileb://f | json 'j["CiphertextBlob"]' > blob
base64 -d blob > blob.bin
envcrypt decrypt f.envc -o - | cmp - f
mkdir tree out opened; for number in 1 2 3 4 5; do echo "$number" > tree/$number; done
envcrypt encrypt -q -R tree -o out
before() { envcrypt keystore audit | wc -l; }
[ "$(before)" = 11 ]
none='it cannot be written'

# refused COMMAND...: the command ends with 74 and prints nothing.
refused() {
  local status=0
  timeout 60 "$@" > given 2> stderr || status=$?
  [ "$status" = 74 ] || { echo "status $status: $*"; cat stderr; return 1; }
  says "$none"
  [ ! -s given ] || { echo "given out: $*"; return 1; }
}
everything() {
  refused envcrypt decrypt f.envc -o -
  refused envcrypt decrypt f.envc -o made
  refused envcrypt decrypt --offset 0 --length 3 f.envc
  refused envcrypt verify f.envc
  refused envcrypt encrypt f -o made
  refused envcrypt reencrypt -f many.envc
  refused envcrypt data-key decrypt wrapped
  refused envcrypt data-key generate -k alias/default -o made
  refused envcrypt kms decrypt --ciphertext-blob fileb://blob.bin
  refused envcrypt kms generate-data-key --key-id alias/default --key-spec AES_256
  refused envcrypt key export alias/default -o made
  refused envcrypt key create
  refused envcrypt key disable alias/default
  refused envcrypt keystore require-audit off
  absent made
  [ "$(envcrypt key list | wc -l)" = 2 ]
  # The same with many files.
  ! timeout 60 envcrypt decrypt -q -R out -o opened 2> stderr || return 1
  says "$none"; [ -z "$(find opened -type f 2> /dev/null)" ]
  ! timeout 60 envcrypt verify -R out > given 2> stderr || return 1
  [ ! -s given ]
}
cksum many.envc > sums

# Something else has the name of the log.
mv "$log" store/away
mkdir "$log"; everything; rmdir "$log"
mkfifo "$log"; everything; rm "$log"
ln -s /dev/null "$log"; everything; rm "$log"
ln -s away "$log"; everything; rm "$log"
head -c 500 /dev/urandom > "$log"; everything; rm "$log"
mv store/away "$log"
[ "$(before)" = 11 ]
# No space, because of a limit: with its signal and without it. The messages go through a pipe, to which no limit
# applies.
for trap in 'trap - XFSZ' 'trap "" XFSZ'; do
  bash -c "$trap; ulimit -f 0; timeout 60 envcrypt decrypt f.envc -o - 2>&1; echo status \$?" | cat > given
  grep -q 'status 74' given; grep -q "$none" given; ! grep -q '^secret$' given || exit 1
done
# No descriptors: whichever call fails, no output appears without a record.
for limit in $(seq 4 16); do
  was=$(before)
  (ulimit -n "$limit"; envcrypt decrypt f.envc -o - > given 2> /dev/null) || true
  [ ! -s given ] || [ "$(before)" -gt "$was" ] || exit 1
done
# A process that may only read the log holds a lock on it.
(exec 9<"$log"; flock -s 9; refused envcrypt decrypt f.envc -o -; refused envcrypt encrypt f -o made; absent made)
# Closed descriptors: the log never becomes standard output or standard error.
envcrypt decrypt f.envc -o made 2>&- 1>&- 0<&-
cmp made f; rm made; envcrypt decrypt f.envc -o - >&- 2>/dev/null || [ $? = 74 ]
envcrypt keystore check > /dev/null
# Killed at any time: the output that appeared is in the log.
for wait in 0.001 0.002 0.004 0.006 0.008 0.010 0.012 0.016 0.020; do
  was=$(before)
  timeout -s KILL "$wait" envcrypt decrypt f.envc -o - > given 2> /dev/null || true
  [ ! -s given ] || [ "$(before)" -gt "$was" ]
done
cksum many.envc | diff sums -
envcrypt keystore check > /dev/null

# Each of many files is recorded before any of its output appears.
envcrypt keystore audit --prune-before 2999-01-01 2> /dev/null
envcrypt decrypt -q -R out -o opened
[ "$(envcrypt keystore audit --operation Decrypt | wc -l)" = 5 ]

# The requirement can be turned on and off later, and each change is recorded. Without it the work is done, and the
# status reports the missing record.
envcrypt keystore require-audit off
envcrypt keystore status | matches 'audit  *not required'
envcrypt keystore audit | tail -n 1 | matches 'StopRequiringAudit  -  ok'
mv "$log" store/away; mkdir "$log"
fails 74 envcrypt decrypt f.envc -o made; says 'the audit log lacks records of this command'; cmp made f
fails 74 envcrypt keystore require-audit on; says "$none"
rmdir "$log"; mv store/away "$log"
envcrypt keystore require-audit on
envcrypt keystore audit | tail -n 1 | matches 'RequireAudit  -  ok'
fails 64 envcrypt keystore require-audit perhaps
envcrypt keystore check > /dev/null

# A copy that cannot be written: its keys cannot be used either.
if [ "$(id -u)" = 0 ] && unshare -m true 2> /dev/null; then
  was=$(before)
  # First only the log is read-only, then the whole directory.
  unshare -m bash -eu -c '
    mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
    status=0; envcrypt decrypt f.envc -o - > given 2> stderr || status=$?
    [ $status = 74 ]; [ ! -s given ]; grep -qF "it cannot be written" stderr
    umount "$1"; mount --bind store store; mount -o remount,bind,ro store
    status=0; envcrypt decrypt f.envc -o - > given 2> stderr || status=$?
    [ $status = 74 ]; [ ! -s given ]; grep -qF "it cannot be written" stderr' - "$log"
  envcrypt keystore require-audit off
  # Without the requirement: if only the log cannot be written, the missing record is an error. On a read-only medium it
  # is not, because nothing else can be written either.
  unshare -m bash -eu -c '
    mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
    status=0; envcrypt decrypt f.envc -o - > given 2> stderr || status=$?
    [ $status = 74 ]; cmp given f; grep -qF "lacks records" stderr
    umount "$1"; mount --bind store store; mount -o remount,bind,ro store
    envcrypt decrypt f.envc -o - 2> stderr | cmp - f; grep -qF "lacks records" stderr' - "$log"
else
  echo 'SKIPPED: read-only mounts, which only root can make'
fi

# A second user of the keystore, whose policy allows decryption: without a record no plaintext.
as_backup() {
  setpriv --reuid backup --regid backup --clear-groups env -C "$PWD" HOME="$PWD/store" "$@"
}
chmod 755 .
if [ "$(id -u)" = 0 ] && id backup > /dev/null 2>&1 && as_backup true 2> /dev/null; then
  envcrypt keystore require-audit on
  key=$(envcrypt key create --alias alias/team)
  cat > policy.json <<X
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"},
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/backup"}, "Action": "kms:Decrypt", "Resource": "*"}]}
X
  envcrypt key policy put alias/team policy.json
  envcrypt encrypt f -k alias/team -o team.envc
  chgrp -R backup store; chmod 2770 store; chmod 660 store/*
  chmod 644 team.envc
  mkdir -m 755 bin; cp "$(command -v envcrypt)" bin
  as_backup bin/envcrypt decrypt team.envc -o - | cmp - f
  for dodge in 'ulimit -f 0' 'trap "" XFSZ; ulimit -f 0' 'exec 9< store/k.db-audit; flock -s 9' \
    'mv store/k.db-audit store/away; mkdir store/k.db-audit' 'rmdir store/k.db-audit; ln -s away store/k.db-audit'
  do
    status=0
    as_backup bash -c "$dodge; timeout 60 bin/envcrypt decrypt team.envc -o -" > given 2> /dev/null || status=$?
    [ "$status" = 74 ] || { echo "status $status after: $dodge"; exit 1; }
    [ ! -s given ]
  done
  rm "$log"; mv store/away "$log"
  fails 77 as_backup bin/envcrypt keystore require-audit off; says 'may not do StopRequiringAudit: only'
  envcrypt keystore status | matches 'audit  *required'
  envcrypt keystore audit | tail -n 1 | matches 'backup  StopRequiringAudit  -  AccessDeniedException'
  envcrypt keystore check > /dev/null
else
  echo 'SKIPPED: a second user: only root can become one, and he must be able to come here'
fi
