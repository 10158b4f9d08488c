# The keystore notes the record of every change with the change, so that no older log can take the log's place.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
mkdir before
# noticed COMMAND...: puts the log from before the command in place of the log. keystore check must say so.
noticed() {
  cp "$log" before/log
  "$@" >made 2>messages || { echo "failed: $*"; cat messages; exit 1; }
  cp "$log" before/after
  ! cmp -s before/log before/after || { echo "no record: $*"; exit 1; }
  cp before/log "$log"
  fails 78 envcrypt keystore check; says missing
  # A use of a key does not take the place of what was cut off.
  envcrypt encrypt -q -f f
  fails 78 envcrypt keystore check; says missing
  cp before/after "$log"
  envcrypt keystore check >/dev/null
}
# Right after init the keystore knows of a record.
echo text >f; envcrypt encrypt f
cp "$log" before/log; rm "$log"
fails 78 envcrypt keystore check; says 'audit record 1 is missing'
cp before/log "$log"; envcrypt keystore check >/dev/null

noticed envcrypt key create --alias alias/a
noticed envcrypt key schedule-deletion -y alias/a --days 7
noticed envcrypt key cancel-deletion alias/a
noticed envcrypt key enable alias/a
noticed envcrypt key update alias/a --description text
noticed envcrypt key tag alias/a a=b
noticed envcrypt key untag alias/a a
noticed envcrypt key rotate alias/a
noticed envcrypt key rotation enable alias/a
noticed envcrypt key rotation disable alias/a
envcrypt key policy get alias/a >policy.json
noticed envcrypt key policy put alias/a policy.json
noticed envcrypt key policy reset alias/a
noticed envcrypt key grant create alias/a --grantee user --operation Decrypt
noticed envcrypt key grant revoke alias/a "$(cat made)"
noticed envcrypt alias create alias/b alias/a
noticed envcrypt alias update alias/b alias/default
noticed envcrypt alias delete alias/b
noticed envcrypt keystore protector add key-file:"$PWD/usb.key"
noticed envcrypt keystore protector remove "$(cat made)"
noticed envcrypt keystore require-audit on
noticed envcrypt keystore require-audit off
noticed envcrypt keystore check --accept
noticed envcrypt keystore audit --prune-before 2000-01-01
cat >s.yaml <<'P'
Resources: {k: {Type: 'AWS::KMS::Key', DeletionPolicy: Retain}}
P
noticed envcrypt template apply s.yaml --stack-name s -y
noticed envcrypt template delete --stack-name s -y
# A gap that was noticed stays, whatever is done afterwards.
cp "$log" before/log
envcrypt key disable alias/a
cp before/log "$log"
envcrypt encrypt -q -f f
envcrypt key create >/dev/null
fails 78 envcrypt keystore check; says missing
