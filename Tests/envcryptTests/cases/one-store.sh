# One keystore is one file in one place, whatever name leads to it and whatever files are beside it.
store=$XDG_DATA_HOME/envcrypt/keystore.db
sql() {
  python3 - "$1" "$2" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(sys.argv[2])
P
}
random 1000 >a

# A symbolic link: the log, the journal and the usage count are those of the one file.
mkdir other
ln -s "$store" other/link.db
for n in 1 2 3; do envcrypt encrypt -q -f a; done
for n in 1 2; do envcrypt encrypt -q -f a --keystore other/link.db; done
envcrypt key create --keystore other/link.db >/dev/null
[ "$(ls other)" = link.db ]
[ "$(envcrypt keystore audit | wc -l)" = 7 ]
[ "$(envcrypt keystore audit --keystore other/link.db | wc -l)" = 7 ]
for name in "$store" other/link.db; do
  envcrypt keystore check --keystore $name | matches '2 keys.* 7 audit records: all as envcrypt wrote them'
done
envcrypt keystore status --keystore other/link.db | matches "keystore    $store"
fails 64 envcrypt keystore backup -f other/link.db --keystore "$store"; says 'is the keystore itself'
# A link to a link, and a link to nothing.
ln -s other/link.db second.db
envcrypt decrypt a.envc -o - --keystore second.db | cmp - a
ln -s nothing.db third.db
fails 78 envcrypt key list --keystore third.db; says 'there is no keystore at third.db'

# Names with a meaning for SQLite are ordinary names.
mkdir names
for name in 'file:a.db?immutable=1' ':memory:' file:b.db; do
  (cd names; envcrypt init -q --protector none --keystore "$name"; envcrypt key create --keystore "$name" >/dev/null
    envcrypt keystore check --keystore "$name" | matches '^2 keys')
done
[ "$(ls names | wc -l)" = 6 ]

# A hard link would have its own log and journal. Commands refuse both names, but a copy can be made.
ln "$store" snapshot.db
for name in "$store" snapshot.db; do
  for command in 'encrypt a -o b' 'decrypt a.envc -o b' 'key list' 'keystore check' 'key create'; do
    fails 78 envcrypt $command --keystore $name
    says "the keystore $name has 2 names (hard links)"
    says "hint: remove the others, or work with a copy: envcrypt keystore backup --keystore $name FILE"
  done
done
absent b snapshot.db-audit snapshot.db-journal
envcrypt keystore backup --keystore snapshot.db copy.db
envcrypt decrypt a.envc -o - --keystore copy.db | cmp - a
rm snapshot.db
envcrypt keystore backup whole.db
envcrypt keystore check | matches 'all as envcrypt wrote them'
# Snapshots of a backup directory, as rsync --link-dest and cp -al make them, keep their contents.
mkdir day1; cp copy.db day1/keystore.db; cp -al day1 day2
envcrypt key create >/dev/null
envcrypt keystore backup -f day2/keystore.db
envcrypt key list --keystore day1/keystore.db | wc -l | matches -x 3
envcrypt key list --keystore day2/keystore.db | wc -l | matches -x 4

# A file that is mounted under another name has two names, too, although its link count is 1.
as_root() { unshare --user --map-root-user --mount "$@"; }
if as_root true 2>/dev/null; then
  : >mounted.db
  chmod 600 mounted.db
  for command in 'encrypt a -o b' 'key list' 'keystore check' 'key create'; do
    fails 78 as_root sh -c 'mount --bind "$1" mounted.db && shift && exec "$@"' - "$store" \
      envcrypt $command --keystore mounted.db
    says 'the keystore mounted.db is a file that is mounted there'
    says 'hint: mount the directory of the keystore instead, or work with a copy: envcrypt keystore backup --keystore mounted.db FILE'
  done
  absent b mounted.db-audit mounted.db-journal
  as_root sh -c 'mount --bind "$1" mounted.db && exec envcrypt keystore backup --keystore mounted.db mounted-copy.db' - "$store"
  envcrypt decrypt a.envc -o - --keystore mounted-copy.db | cmp - a
  # A directory that is mounted elsewhere has the log and the journal in it.
  mkdir mounted
  as_root sh -c 'mount --bind "${1%/*}" mounted && exec envcrypt key create --keystore mounted/keystore.db' - "$store" >/dev/null
  envcrypt keystore check | matches '4 keys.* all as envcrypt wrote them'
elif ! no_user_namespaces; then
  skipped 'no user namespaces, so nothing can be mounted'
fi

# Somebody put the keystore into WAL mode with sqlite3.
sql "$store" 'PRAGMA journal_mode = WAL'
for command in 'encrypt a -o b' 'key list' 'keystore check' 'keystore backup b'; do
  fails 78 envcrypt $command
  says "the keystore $store is in SQLite's WAL mode"
  says "hint: sqlite3 $store 'PRAGMA journal_mode = DELETE'"
done
absent b
[ "$(ls -A "${store%/*}" | wc -l)" = 2 ]
sql "$store" 'PRAGMA journal_mode = DELETE'
envcrypt key create >/dev/null

# The write-ahead log of another file is not used for this one: not on opening and not after a restore.
random 5000 >"$store-wal"
for command in 'encrypt a -o b' 'key list' 'keystore check'; do
  fails 78 envcrypt $command
  says "there is $store-wal, which SQLite would use with the keystore"
done
# Runs the command of the hint.
eval "$(sed -n 's/.*; otherwise: //p' stderr)"
envcrypt keystore check | matches 'all as envcrypt wrote them'
mv "$store" gone.db
for ending in -wal -shm -journal; do
  random 5000 >"$store$ending"
  fails 73 envcrypt keystore backup --keystore whole.db "$store"
  says "$store$ending, which SQLite would"
  fails 73 envcrypt init -q --protector none
  says "$store$ending, which SQLite would"
  [ ! -e "$store" ]
  rm "$store$ending"
done
: >"$store-wal"
fails 73 envcrypt keystore backup --keystore whole.db "$store"
rm "$store-wal"
envcrypt keystore backup --keystore whole.db "$store"
envcrypt keystore check | matches 'all as envcrypt wrote them'
envcrypt decrypt a.envc -o - | cmp - a

# A WAL with many changes to the previous keystore: version 0.2.0 had SQLite apply it to the restored one.
mv "$store" before.db
python3 - "$store" before.db <<'P'
import os, shutil, sqlite3, sys
store, before = sys.argv[1:]
shutil.copy(before, store)
db = sqlite3.connect(store, isolation_level=None)
db.execute('PRAGMA journal_mode = WAL')
db.execute("UPDATE masterKey SET description = hex(zeroblob(5000))")
# Exits like a killed process.
os._exit(0)
P
[ -s "$store-wal" ]
rm "$store"
fails 73 envcrypt keystore backup --keystore whole.db "$store"; says "there is $store-wal"
rm "$store"-???
envcrypt keystore backup --keystore whole.db "$store"
envcrypt keystore check | matches 'all as envcrypt wrote them'
