# A backup of the keystore, made while the keystore is in use, and its use.
random 10000 > a
store=$PWD/data/envcrypt/keystore.db
envcrypt encrypt a; envcrypt key create --alias alias/old > /dev/null
envcrypt encrypt a -k alias/old -o old.envc; envcrypt key rotate alias/old
umask 000; mkdir -m 755 usb; envcrypt keystore backup usb/copy.db > said 2>&1; umask 022
[ ! -s said ]
[ "$(ls -A usb | tr '\n' ' ')" = 'copy.db copy.db-audit ' ]
[ "$(stat -c %a usb/*)" = $'600\n600' ]
cmp usb/copy.db-audit "$store-audit"
envcrypt keystore check --keystore usb/copy.db | matches 'all as envcrypt wrote them'
[ "$(envcrypt keystore status --json --keystore usb/copy.db | json 'j["KeystoreId"]')" = "$(envcrypt keystore status --json | json 'j["KeystoreId"]')" ]

# The keystore is lost. The copy decrypts, and the same command restores it.
rm -r data
fails 78 envcrypt decrypt a.envc -o -
envcrypt decrypt a.envc -o - --keystore usb/copy.db | cmp - a
fails 73 envcrypt keystore backup --keystore usb/copy.db "$store"; says "hint: mkdir -p -- $PWD/data/envcrypt"
mkdir -p data/envcrypt; envcrypt keystore backup --keystore usb/copy.db "$store"
envcrypt decrypt old.envc -o - | cmp - a
# A log that is still there has more entries and is kept.
cp "$store-audit" log; rm "$store"; envcrypt keystore backup --keystore usb/copy.db "$store"; cmp "$store-audit" log
envcrypt key rotate alias/old; envcrypt keystore check | matches 'all as envcrypt wrote them'

# An existing file is kept unless it is an older backup of this keystore.
cp usb/copy.db before; envcrypt key create > /dev/null
fails 73 envcrypt keystore backup usb/copy.db; says 'usb/copy.db exists already'; says 'hint: add --force'
cmp usb/copy.db before
envcrypt keystore backup -f usb/copy.db
envcrypt keystore check --keystore usb/copy.db | matches '^3 keys'
envcrypt init -q --protector none --keystore other.db; cp other.db before
fails 73 envcrypt keystore backup -f other.db; says "other.db is another keystore ("; says ', and is not replaced'
cmp other.db before
fails 73 envcrypt keystore backup -f a; says 'a is not a backup of this keystore'
fails 73 envcrypt keystore backup -f usb; says 'usb is not a regular file'
envcrypt decrypt a.envc -o - | cmp - a
empty=$(mktemp -p .); envcrypt keystore backup -f "$empty"; envcrypt keystore check --keystore "$empty" | matches '^3 keys'

# A backup cannot replace the keystore itself or one of its files.
for itself in "$store" data/../data/envcrypt/keystore.db; do
  for force in '' -f; do fails 64 envcrypt keystore backup $force "$itself"; says 'is the keystore itself'; done
done
fails 73 envcrypt keystore backup -f "$store-audit"
echo journal > gone.db-journal
fails 73 envcrypt keystore backup gone.db; says 'there is a journal gone.db-journal'
fails 73 envcrypt init -q --protector none --keystore gone.db; says 'there is a journal gone.db-journal'
fails 64 envcrypt keystore backup -; says 'cannot be written to standard output'
fails 64 envcrypt keystore backup
fails 78 envcrypt keystore backup b.db --keystore nothing.db; says 'there is no keystore at nothing.db'
absent gone.db gone.db-audit b.db - nothing.db

# If the backup cannot be made, a message says why, and nothing is left.
fails 73 envcrypt keystore backup missing/copy.db; says 'there is no directory missing'; says 'hint: mkdir -p -- missing'
fails 73 envcrypt keystore backup /sys/copy.db; says 'cannot create /sys/copy.db: '
if unshare -rm true 2> /dev/null; then
  mkdir full
  unshare -rm bash -eu -c 'mount -t tmpfs -o size=64k none full
    status=0; envcrypt keystore backup full/copy.db 2> stderr || status=$?
    [ "$status" = 74 ]; [ -z "$(ls -A full)" ]'
  says 'cannot write full/copy.db: no space left on device'; says 'hint: free some space'
fi

# A backup needs no passphrase and asks for none.
echo secret > pass; chmod 600 pass; envcrypt init -q --keystore p.db --passphrase-file pass
setsid envcrypt keystore backup p.copy --keystore p.db < /dev/null
envcrypt keystore check --keystore p.copy --passphrase-file pass | matches 'all as envcrypt wrote them'
# A copy of a keystore without a passphrase, in a directory that others can write.
mkdir -m 777 open
envcrypt keystore backup open/copy.db 2> stderr; says 'warning: the keystore open/copy.db is not protected by a passphrase'
envcrypt keystore backup open/p.db --keystore p.db 2> stderr; [ ! -s stderr ]

# The leftovers of a killed backup are removed by the next one, and by 'keystore check' on the keystore beside them.
left=usb/.keystore-0123456789ab.tmp
touch $left $left-journal $left-audit; envcrypt keystore backup -f usb/copy.db; [ "$(ls -A usb | wc -l)" = 2 ]
touch $left $left-audit; envcrypt keystore check --keystore usb/copy.db 2> stderr; says "removed what a killed process left: $left"
[ "$(ls -A usb | wc -l)" = 2 ]

# Under load each copy is a state that the keystore had. It has at least as many keys as were reported before.
envcrypt key create --alias alias/busy > /dev/null
mkdir load; writers=(); set +x
for worker in 1 2 3 4; do
  (
    n=0
    while [ ! -e stop ]; do
      envcrypt encrypt a -k alias/busy -o load/$worker.$n.envc
      envcrypt key create --alias alias/w$worker/$n > /dev/null
      envcrypt key rotate alias/w$worker/$n
      n=$((n + 1)); echo "$n" > load/done.$worker.new; mv load/done.$worker.new load/done.$worker
    done
  ) &
  writers+=($!)
done
four_are_done() { [ "$(find load -name 'done.?' | wc -l)" = 4 ]; }
await four_are_done
for n in {1..12}; do
  before=$(($(cat load/done.? | paste -sd+)))
  envcrypt keystore backup load/copy.$n
  envcrypt keystore backup -f load/last
  after=$(envcrypt alias list --keystore load/copy.$n --json | json 'sum(a["AliasName"].startswith("alias/w") for a in j["Aliases"])')
  [ "$after" -ge "$before" ] || { echo "copy $n has $after keys, $before were there"; exit 1; }
done
touch stop; set -x
for writer in "${writers[@]}"; do wait "$writer"; done
for copy in load/copy.{1..12} load/last; do
  envcrypt keystore check --keystore $copy | matches 'all as envcrypt wrote them'
  envcrypt decrypt load/1.0.envc -o - --keystore $copy | cmp - a
  # The keys of each writer have no gap.
  envcrypt alias list --keystore $copy --json | json '[n for w in "1234" for n in [sorted(int(a["AliasName"].split("/")[2]) for a in j["Aliases"] if a["AliasName"].startswith("alias/w" + w))] if n != list(range(len(n)))]' | matches -xF '[]'
done
envcrypt keystore check | matches 'all as envcrypt wrote them'
