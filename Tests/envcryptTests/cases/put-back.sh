# Records that were once valid, restored from an older copy of the keystore by somebody who can write the file but has
# no key. Each is refused by name when it is used, and check names it.
store=$XDG_DATA_HOME/envcrypt/keystore.db
# sql STATEMENT: runs it on the keystore, with the older copy attached as "old".
sql() {
  python3 - "$store" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("ATTACH 'old.db' AS old")
db.execute(sys.argv[2])
db.commit()
P
}
one=$(envcrypt key create --alias alias/a)
two=$(envcrypt key create --alias alias/b)
echo text >f
envcrypt encrypt f -k alias/a
envcrypt keystore check | matches 'all as envcrypt wrote them'
cp "$store" old.db

# A key that was disabled.
envcrypt key disable alias/a
fails 69 envcrypt decrypt f.envc -o -
sql 'INSERT OR REPLACE INTO masterKey SELECT * FROM old.masterKey'
fails 78 envcrypt decrypt f.envc -o -
says "the keystore was edited or damaged: key $one is not as envcrypt last wrote it"
says "hint: 'envcrypt keystore check' names all that is wrong"
fails 78 envcrypt key enable alias/a
fails 78 envcrypt keystore check
says "error: key $one is not the latest that envcrypt wrote: an older one was put back"
# Nothing else is affected.
envcrypt encrypt f -k alias/b -o f.b
envcrypt decrypt f.b -o - | cmp - f

# An alias that was moved, and an alias that was deleted.
envcrypt alias update alias/b alias/default
sql 'INSERT OR REPLACE INTO alias SELECT * FROM old.alias'
fails 78 envcrypt encrypt f -k alias/b -o f.c
says 'alias alias/b is not as envcrypt last wrote it'
absent f.c
sql "DELETE FROM alias WHERE name = 'alias/b'"
fails 78 envcrypt keystore check
says 'error: alias alias/b is missing'

# Without a backup the present records can be accepted. The audit log records it.
envcrypt keystore check --accept 2>stderr
says "accepted: key $one is not the latest"
says 'accepted: alias alias/b is missing'
envcrypt decrypt f.envc -o - | cmp - f
envcrypt decrypt f.b -o - | cmp - f
envcrypt keystore audit | matches 'AcceptRecords  -  ok'

# Edited records are not accepted.
sql "UPDATE masterKey SET state = 'Disabled' WHERE id = '$two'"
fails 78 envcrypt keystore check --accept
says "key $two was edited or damaged"
fails 78 envcrypt decrypt f.b -o -
