# The keystore notes the record of every change with the change, so that no older log can take the log's place.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
mkdir before
# unnoticed COMMAND...: puts the log from before the command in place of the log. keystore check must say so.
noticed() {
  cp "$log" before/log
  "$@" >/dev/null 2>&1
  cp "$log" before/after
  cp before/log "$log"
  fails 78 envcrypt keystore check; says 'missing'
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
noticed envcrypt key rotate alias/a
noticed envcrypt key policy put alias/a <(envcrypt key policy get alias/a) || noticed envcrypt key policy reset alias/a
noticed envcrypt keystore protector add key-file:"$PWD/usb.key"
protector=$(envcrypt keystore protector list --json | json '[p["ProtectorId"] for p in j["Protectors"] if p["Type"] == "key-file"][0]')
noticed envcrypt keystore protector remove "$protector"
noticed envcrypt keystore require-audit on
noticed envcrypt keystore require-audit off
noticed envcrypt keystore check --accept
cat >s.yaml <<'P'
Resources: {k: {Type: 'AWS::KMS::Key', DeletionPolicy: Retain}}
P
noticed envcrypt template apply s.yaml --stack-name s -y
noticed envcrypt template delete --stack-name s -y
# A gap that was noticed stays, whatever is done afterwards.
cp "$log" before/log
envcrypt key disable alias/a
cp before/log "$log"
envcrypt key create >/dev/null
fails 78 envcrypt keystore check; says 'missing'
