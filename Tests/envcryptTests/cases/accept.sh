# Only a current protector of the keystore can accept records. A removed protector that is restored together with an
# older record of a key cannot have that key accepted.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
sql() {
  python3 - "$ENVCRYPT_KEYSTORE" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("ATTACH 'old.db' AS old")
db.executescript(sys.argv[2])
P
}
echo leaked >leaked
echo fresh >fresh
envcrypt init -q --passphrase-file leaked
envcrypt key create --alias alias/a --passphrase-file leaked >/dev/null
echo text >f
envcrypt encrypt f -k alias/a --passphrase-file leaked
old=$(envcrypt keystore protector list --json | json 'j["Protectors"][0]["ProtectorId"]')
envcrypt keystore protector add passphrase --passphrase-file leaked --new-passphrase-file fresh >/dev/null
cp p.db old.db
envcrypt key disable alias/a --passphrase-file fresh
envcrypt keystore protector remove "$old" --passphrase-file fresh
cp p.db current.db
back='INSERT OR REPLACE INTO protector SELECT * FROM old.protector; INSERT OR REPLACE INTO masterKey SELECT * FROM old.masterKey;'

for more in '' "INSERT OR REPLACE INTO ledger SELECT * FROM old.ledger WHERE bucket = 'store';" \
  'INSERT OR REPLACE INTO ledger SELECT * FROM old.ledger;' \
  'DELETE FROM keystore; INSERT INTO keystore SELECT * FROM old.keystore;' \
  "DELETE FROM keystore; INSERT INTO keystore SELECT * FROM old.keystore; INSERT OR REPLACE INTO ledger SELECT * FROM old.ledger WHERE bucket = 'store';" \
  "DELETE FROM ledger WHERE bucket = 'store';" 'DELETE FROM ledger;'; do
  cp current.db p.db
  sql "$back $more"
  fails 78 envcrypt keystore check --accept --passphrase-file leaked
  fails 78 envcrypt decrypt f.envc -o g --passphrase-file leaked
  absent g
  # A check is allowed and reports the damage.
  fails 78 envcrypt keystore check --passphrase-file leaked
done
cp current.db p.db
sql "$back"
fails 78 envcrypt keystore check --accept --passphrase-file leaked; says "protector $old is not as envcrypt last wrote it"
fails 78 envcrypt keystore check --passphrase-file leaked
says "protector $old was removed from the keystore, but it was put back"

# With a current protector the present records are accepted, and the other protector is removed.
envcrypt keystore check --accept --passphrase-file fresh 2>stderr
says "removed: protector $old, which was put back"
fails 77 envcrypt key create --passphrase-file leaked

# If the ledger cannot say which protectors are current, nobody can accept records and nothing is changed.
cp current.db p.db
sql "UPDATE ledger SET entries = x'00' WHERE bucket = 'store'"
cp p.db damaged.db
fails 78 envcrypt keystore check --accept --passphrase-file fresh; says "the ledger's bucket store"
cmp p.db damaged.db
