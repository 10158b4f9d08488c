# Somebody who can write the keystore's file but has no key plants SQL in its schema. It never runs, and every command
# refuses it by name.
umask 077
store=$XDG_DATA_HOME/envcrypt/keystore.db
# sql STATEMENTS: runs them on the keystore as any SQLite program would.
sql() {
  python3 - "$store" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(sys.argv[2])
P
}
key=$(envcrypt key create --alias alias/a)
echo text >f
envcrypt encrypt f -k alias/a
envcrypt keystore check | matches 'all as envcrypt wrote them'
cp "$store" clean.db

# Triggers that revert the owner's changes: the owner is told, and nothing was done.
sql "CREATE TRIGGER undo AFTER UPDATE ON masterKey BEGIN UPDATE masterKey SET state = OLD.state WHERE id = OLD.id; END;
  CREATE TABLE kept AS SELECT * FROM ledger; CREATE VIEW seen AS SELECT * FROM protector;"
cp "$store" planted.db
for command in 'key disable alias/a' 'key list' 'keystore check' 'keystore status' 'keystore protector list' \
  'keystore audit' 'encrypt f -k alias/a -o g' 'decrypt f.envc -o g' 'keystore backup copy.db' 'alias list'; do
  fails 78 envcrypt $command
  says "does not have the schema that envcrypt created: trigger 'undo' was added, table 'kept' was added, view 'seen' was added"
done
absent g copy.db
cmp "$store" planted.db
# The command of the hint removes exactly what was planted.
sed -n "s/^envcrypt: hint: sqlite3 .* '\(.*\)'$/\1/p" stderr >statements
[ "$(cat statements)" = 'DROP TRIGGER undo; DROP TABLE kept; DROP VIEW seen' ]
sql "$(cat statements)"
envcrypt key disable alias/a
fails 69 envcrypt decrypt f.envc -o g
envcrypt key enable alias/a
envcrypt decrypt f.envc -o - | cmp - f
envcrypt keystore check | matches 'all as envcrypt wrote them'

# A name with special characters of the shell is not put into a hint.
sql "CREATE TABLE \"x'; touch pwned; '\" (a)"
fails 78 envcrypt key list
says "table 'x'; touch pwned; '' was added"
says 'hint: restore the keystore from a backup'
sql "DROP TABLE \"x'; touch pwned; '\""

# No command is shown that would drop the keystore's own rows: a second entry for a table, under its own name or another.
for name in alias ALIAS zz; do
  cp "$store" kept.db
  sql "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema
    SELECT type, '$name', '$name', rootpage, 'CREATE TABLE $name (a)' FROM sqlite_schema WHERE name = 'alias'"
  fails 78 envcrypt key list
  says "table '$name' was added"
  says 'hint: restore the keystore from a backup'
  cp kept.db "$store"
done

# ANALYZE leaves its own tables. The hint says how to remove them.
sql ANALYZE
fails 78 envcrypt key list
says "table 'sqlite_stat1' was added"
says "'DROP TABLE sqlite_stat1"
sql "$(sed -n "s/^envcrypt: hint: sqlite3 .* '\(.*\)'$/\1/p" stderr)"
envcrypt key list | matches "$key"

# Our own tables with another definition: columns that are computed, checked, or have a default.
for change in 'ALTER TABLE masterKey ADD COLUMN x TEXT AS (upper(state))' \
  'ALTER TABLE masterKey ADD COLUMN x TEXT CHECK (x IS NULL)' "ALTER TABLE masterKey ADD COLUMN x TEXT DEFAULT 'y'"; do
  sql "$change"
  fails 78 envcrypt key list
  says "table 'masterKey' was changed"
  says 'hint: restore the keystore from a backup'
  cp clean.db "$store"
done
sql 'DROP INDEX masterKeyByDueDate'
fails 78 envcrypt keystore check
says "index 'masterKeyByDueDate' is missing"
cp clean.db "$store"

# A change while a command waits for the passphrase is detected before anything is written.
echo secret >pass
export ENVCRYPT_KEYSTORE=$PWD/p.db
envcrypt init -q --passphrase-file pass
store=$PWD/p.db
one=$(envcrypt key create --passphrase-file pass)
mkfifo ask
(sql 'CREATE TRIGGER late AFTER UPDATE ON masterKey BEGIN SELECT 1; END'; cat pass) >ask &
status=0
envcrypt key disable "$one" --passphrase-fd 3 3<ask 2>stderr || status=$?
[ "$status" = 78 ]
says "trigger 'late' was added"
sql 'DROP TRIGGER late'
envcrypt key describe "$one" | matches 'Enabled'
unset ENVCRYPT_KEYSTORE
store=$XDG_DATA_HOME/envcrypt/keystore.db

# A backup with a foreign table is not replaced, and a keystore with one is not backed up.
envcrypt keystore backup copy.db
store=copy.db
sql 'CREATE TABLE notes AS SELECT 1'
fails 78 envcrypt keystore backup -f copy.db
says "the keystore copy.db does not have the schema that envcrypt created: table 'notes' was added"
fails 78 envcrypt keystore backup --keystore copy.db again.db
absent again.db
