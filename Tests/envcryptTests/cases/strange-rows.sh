# Rows that SQLite and envcrypt could read differently, and rows that belong to nothing, put into the keystore by somebody
# who can write the file but has no key. Commands refuse them or do not see them, and check names every one.
store=$XDG_DATA_HOME/envcrypt/keystore.db
sql() {
  python3 - "$store" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(sys.argv[2])
P
}
one=$(envcrypt key create --alias alias/a)
two=$(envcrypt key create --alias alias/b)
gone=00000000-0000-4000-8000-000000000000
echo text >f
envcrypt encrypt f -k alias/a
envcrypt keystore check | matches 'all as envcrypt wrote them'
cp "$store" whole.db

# A second row for a disabled key, under an ID with a NUL, which some programs read as the same ID.
sql "INSERT INTO masterKey SELECT id || x'0079', spec, usage, state, origin, manager, description, creationDate,
  currentVersion, authenticationCode, deletionDate, rotationPeriodInDays, nextRotationDate, validTo, policyDigest,
  grantsDigest, foundDueDate FROM masterKey WHERE id = '$one'"
envcrypt key disable $one
fails 69 envcrypt decrypt f.envc -o -
fails 78 envcrypt key list; says "record '$one' of table masterKey is not as envcrypt last wrote it"
fails 78 envcrypt keystore check; says "error: record '$one' of table masterKey was edited or damaged"
fails 78 envcrypt keystore check --accept; says "error: record '$one' of table masterKey was edited or damaged"

# Texts with a NUL or that are not UTF-8.
for value in "CAST(name || x'00' AS TEXT)" "CAST(name || x'ff' AS TEXT)"; do
  cp whole.db "$store"
  sql "UPDATE alias SET name = $value WHERE name = 'alias/a'"
  fails 69 envcrypt encrypt f -k alias/a -o g
  fails 78 envcrypt alias list; says 'of table alias is not as envcrypt last wrote it'
  fails 78 envcrypt keystore check; says 'of table alias was edited or damaged'; says 'alias alias/a is missing'
done
absent g

# Rows that belong to nothing are named, and removed by --accept.
cp whole.db "$store"
sql "INSERT INTO ledger VALUES ('zzz', x'00');
  INSERT INTO keyPolicy VALUES ('$gone', '{}');
  INSERT INTO keyPolicy VALUES ('$one', '{}');
  INSERT INTO keyGrant VALUES ('$gone', 'g', NULL, 0, 'p', NULL, 'Decrypt', NULL)"
envcrypt decrypt f.envc -o - | cmp - f
fails 78 envcrypt keystore check
for name in "the ledger's bucket zzz" "policy of key $gone" "policy of key $one" "grant g of key $gone"; do
  says "error: $name belongs to nothing in the keystore: it was added or left over"
done
envcrypt keystore check --accept 2>stderr | matches 'all as envcrypt wrote them'
says "removed: the ledger's bucket zzz, which belonged to nothing"
says "removed: policy of key $one, which belonged to nothing"

# A value of 80 MB is named, and not read into memory.
cp whole.db "$store"
sql "UPDATE masterKey SET description = CAST(zeroblob(80000000) AS TEXT) WHERE id = '$two'"
for command in 'encrypt f -k alias/b -o g' 'key list' 'keystore check'; do
  fails 78 envcrypt $command
  says 'a record of table masterKey that is too long'
done
envcrypt decrypt f.envc -o - | cmp - f

# Numbers at the ends of their range end no command with a trap.
for table in masterKey keyVersion alias protector keystore; do
  for column in $(python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("PRAGMA table_info(%s)" % sys.argv[2]):
    if row[2] == "INTEGER": print(row[1])' whole.db $table); do
    for value in 9223372036854775807 -9223372036854775808; do
      cp whole.db "$store"
      sql "UPDATE OR REPLACE $table SET $column = $value"
      for command in 'key list --json' 'key list' "key describe $one" 'alias list' 'keystore status' 'keystore check' \
        'keystore protector list' 'key create' 'encrypt f -k alias/a -o g -f'; do
        status=0
        timeout 60 envcrypt $command >/dev/null 2>stderr || status=$?
        [ $status -lt 100 ] || { echo "$table $column $value: $command: $status"; cat stderr; exit 1; }
      done
    done
  done
done
