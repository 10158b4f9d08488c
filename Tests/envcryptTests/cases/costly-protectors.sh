# Unlocking has a bounded cost, whatever somebody wrote to the keystore's file: the parameters are checked before any
# work.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
sql() {
  python3 - "$ENVCRYPT_KEYSTORE" "$1" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(sys.argv[2])
P
}
echo 'correct horse' >pass
envcrypt init -q --passphrase-file pass
id=$(envcrypt keystore protector list --json | json 'j["Protectors"][0]["ProtectorId"]')
cp p.db whole.db
# cheaply COMMAND...: the same as fails 78, and the command must use little processor time, which does not depend on the
# load.
cheaply() { (ulimit -t 5; fails 78 "$@"); }

# Parameters that would take a minute and a gibibyte.
sql 'UPDATE protector SET scryptCost = 1048576, scryptParallelism = 16'
cheaply envcrypt key create --passphrase-file pass
says "protector $id would take more memory or time than envcrypt spends on a passphrase"
says 'hint: restore the keystore from a backup'
cheaply envcrypt keystore check --passphrase-file pass
cheaply envcrypt keystore protector add passphrase --passphrase-file pass --new-passphrase-file pass
# Metadata needs no unlocking.
envcrypt key list >/dev/null

# Each protector alone would be acceptable, but all together would take minutes.
cp whole.db p.db
sql 'UPDATE protector SET scryptParallelism = 8;
  WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)
  INSERT INTO protector SELECT n, kind, n, NULL, salt, scryptCost, 8, 8, nonce, wrappedRootKey, label FROM n, protector'
cheaply envcrypt key create --passphrase-file pass
says 'its passphrase protectors together would take more time'

# Thousands of cheap protectors.
cp whole.db p.db
sql 'WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
  INSERT INTO protector SELECT n, kind, n, NULL, salt, 2, 1, 1, nonce, wrappedRootKey, label FROM n, protector'
cheaply envcrypt key create --passphrase-file pass
says 'the keystore has more than 100 protectors, so none is tried'

# A few costly protectors do not prevent the correct one from opening the keystore. check names them and removes them.
cp whole.db p.db
sql 'WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3)
  INSERT INTO protector SELECT n, kind, n, NULL, salt, scryptCost, 8, 16, nonce, wrappedRootKey, label FROM n, protector'
envcrypt key create --passphrase-file pass >/dev/null
fails 78 envcrypt keystore check --passphrase-file pass
says "protector 2 was removed from the keystore"
envcrypt keystore check --accept --passphrase-file pass | matches 'all as envcrypt wrote them'
[ "$(envcrypt keystore protector list --json | json 'len(j["Protectors"])')" = 1 ]

# Tens of protectors are normal, and the last one works like the first.
envcrypt init -q --protector none --keystore many.db
for n in {1..30}; do envcrypt keystore protector add key-file:key.$n --keystore many.db >/dev/null; done
none=$(envcrypt keystore protector list --json --keystore many.db | json '[p["ProtectorId"] for p in j["Protectors"] if p["Type"] == "none"][0]')
envcrypt keystore protector remove "$none" --keystore many.db
mkdir away; mv key.* away
envcrypt key create --keystore many.db --key-file away/key.30 >/dev/null
envcrypt keystore check --keystore many.db --key-file away/key.7 | matches 'all as envcrypt wrote them'

# If a row names a pipe as its key file, nothing waits for the pipe.
mkfifo pipe
cp many.db q.db
ENVCRYPT_KEYSTORE=q.db sql "UPDATE protector SET keyFilePath = '$PWD/pipe'"
fails 77 timeout 20 envcrypt key create --keystore q.db
says "key file $PWD/pipe is not a regular file"
