# Files with keys are accessible only to their owner, whatever the umask is.
for mask in 000 022 077; do
  (
    umask "$mask"
    mkdir -m 700 "$mask"
    cd "$mask"
    export XDG_DATA_HOME=$PWD/data
    envcrypt init -q --protector key-file:protector.key
    envcrypt keystore protector add key-file:other.key >/dev/null
    # SQLite's journal exists only during a commit.
    (
      while [ ! -e stop ] && [ -d "$PWD" ]; do
        for name in journal wal shm; do
          stat -c '%a %n' "data/envcrypt/keystore.db-$name" 2>/dev/null || true
        done
      done >seen
    ) &
    watcher=$!
    for _ in $(seq 5); do envcrypt key create >/dev/null; done
    # The journal must have been seen, or the check proves nothing.
    has_seen_it() { envcrypt key create >/dev/null && grep -q journal seen; }
    await has_seen_it
    touch stop
    wait "$watcher"
    ! grep -v '^600 ' seen || exit 1
    envcrypt key create --spec RSA_2048 --alias alias/rsa >/dev/null
    envcrypt key export alias/default -o escrow.json 2>/dev/null
    envcrypt key export alias/rsa -o rsa.json 2>/dev/null
    envcrypt data-key generate -o wrapped >/dev/null
    envcrypt keystore audit --prune-before 2020-01-01 2>/dev/null
    envcrypt keystore backup copy.db
    for file in protector.key other.key escrow.json rsa.json wrapped data/envcrypt/keystore.db \
      data/envcrypt/keystore.db-audit copy.db copy.db-audit; do
      [ "$(stat -c %a "$file")" = 600 ] || { stat -c '%a %n' "$file"; exit 1; }
    done
    [ "$(stat -c %a data/envcrypt)" = 700 ]
  )
done
