# 'keystore status' says if the last backup or export has every key version, and commands that make one remind of it.
copy() { envcrypt keystore status "$@" | sed -n 's/^last copy *//p'; }
since() { envcrypt keystore status --json "$@" | json 'j.get("VersionsSinceCopy")'; }
# A new keystore has none, and nobody is reminded.
[ "$(copy)" = 'none: envcrypt keystore backup FILE makes one' ]; [ "$(since)" = None ]
envcrypt key create --alias alias/a > /dev/null 2> stderr; [ ! -s stderr ]
envcrypt keystore backup b.db; [ "$(copy)" = 'has every key version' ]; [ "$(since)" = 0 ]
# Uses, aliases and tags do not count: a copy has all keys.
echo text > f; envcrypt encrypt f -k alias/a; envcrypt key tag alias/a x=y; [ "$(since)" = 0 ]
envcrypt key rotate alias/a 2> stderr; says 'the last backup or export of the keys lacks this version'; [ "$(wc -l < stderr)" = 1 ]
envcrypt key rotate -q alias/a 2> stderr; [ ! -s stderr ]
[ "$(copy)" = 'lacks 2 key versions: envcrypt keystore backup FILE makes a new one' ]; [ "$(since)" = 2 ]
envcrypt key create 2> stderr > id; says lacks; envcrypt key create --json -q 2> stderr > /dev/null; [ ! -s stderr ]
[ "$(since)" = 4 ]
# An export of all keys counts, and one of a single key does not, unless it is the only key.
envcrypt key export alias/a -o a.json 2> /dev/null; [ "$(since)" = 4 ]
envcrypt key export --all -o all.json 2> /dev/null; [ "$(since)" = 0 ]
envcrypt init -q --protector none --keystore one.db; envcrypt key export alias/default --keystore one.db -o one.json 2> /dev/null
[ "$(since --keystore one.db)" = 0 ]
# An export from which a key is missing does not count, and neither does one that could not be written.
envcrypt key create --spec HMAC_256 2> /dev/null > /dev/null; [ "$(since)" = 1 ]
envcrypt key export --all -o all.json -f 2> /dev/null; [ "$(since)" = 1 ]
envcrypt keystore backup -f b.db; [ "$(since)" = 0 ]; envcrypt key rotate -q alias/a
fails 73 envcrypt key export --all -o all.json; fails 73 envcrypt keystore backup b.db; [ "$(since)" = 1 ]
# After a restore and after an import, the file is the copy.
envcrypt keystore restore -q b.db --keystore restored.db; [ "$(since --keystore restored.db)" = 0 ]
envcrypt init -q --protector none --keystore imported.db --import all.json; [ "$(since --keystore imported.db)" = 0 ]
envcrypt key import one.json --keystore imported.db 2> stderr > /dev/null; says lacks; [ "$(since --keystore imported.db)" = 1 ]
envcrypt key export alias/a -o a.json -f 2> /dev/null; envcrypt init -q --protector none --keystore part.db --import a.json
[ "$(since --keystore part.db)" = 1 ]
# The note is in no record, so every record is still as it was.
for store in "" restored.db imported.db; do envcrypt keystore check ${store:+--keystore "$store"} | matches 'all as envcrypt wrote them'; done
