# init never overwrites. Loose permissions and edited records are refused with a hint.
store=$XDG_DATA_HOME/envcrypt/keystore.db
[ "$(stat -c %a "$store")" = 600 ]
fails 73 envcrypt init --protector none; says 'already'
fails 78 envcrypt encrypt --keystore missing.db < /dev/null; says 'envcrypt init --keystore missing.db makes a new one'
chmod 644 "$store"
fails 78 envcrypt encrypt < /dev/null; says "chmod 600 -- $store"
chmod 600 "$store"
envcrypt keystore status | matches "$store"
envcrypt keystore status --json | json 'j["Keys"]' | matches -x 1
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE masterKey SET state = ?", ("Disabled",)); db.commit()' "$store"
fails 78 envcrypt encrypt < /dev/null; says 'was edited'; says 'key '
echo text > not.db; chmod 600 not.db
fails 78 envcrypt key list --keystore not.db; says 'not a keystore'
