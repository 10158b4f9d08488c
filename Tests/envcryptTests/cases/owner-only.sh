# Only the owner may manage the keystore. Another user, who can read and write it and to whom every policy allows
# everything, is refused, is told who may do it, and is recorded.
envcrypt key create --alias alias/a > /dev/null
cat > everything.json <<X
{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
X
envcrypt key policy put alias/a everything.json
cat > stack.yaml <<X
Resources:
  x: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/x, TargetKeyId: '$(envcrypt key describe alias/a --json | json 'j["KeyMetadata"]["KeyId"]')'}}
X

# The owner does every operation, and each is recorded.
envcrypt keystore protector add key-file:own.key > added
envcrypt keystore protector remove "$(cat added)"
envcrypt template apply stack.yaml --stack-name s --yes > /dev/null
envcrypt keystore audit --prune-before 2000-01-01 2> /dev/null
envcrypt keystore check --accept > /dev/null 2>&1
envcrypt key policy reset alias/a; envcrypt key policy put alias/a everything.json
envcrypt keystore backup own.db; envcrypt key export --all -o own.json 2> /dev/null
envcrypt keystore audit --json > log
json '[r["eventName"] for r in j["Records"] if r["eventName"] not in ("CreateKey", "PutKeyPolicy", "CreateAlias", "ExportKey")]' < log > names
[ "$(cat names)" = "['AddProtector', 'RemoveProtector', 'CreateStack', 'PruneAuditLog', 'AcceptRecords', 'ResetKeyPolicy', 'ExportAllKeys']" ]
json '[r["requestParameters"] for r in j["Records"] if "Protector" in r["eventName"]]' < log > parameters
[ "$(cat parameters)" = "[{'ProtectorId': '$(cat added)', 'Type': 'key-file'}, {'ProtectorId': '$(cat added)', 'Type': 'key-file'}]" ]
envcrypt keystore audit --operation AddProtector | matches "ProtectorId=$(cat added)  Type=key-file  ok"

can_be backup && can_be daemon || exit 0
mkdir store theirs; cp "$XDG_DATA_HOME"/envcrypt/keystore.db* store
chown -R daemon:backup store; chmod 2770 store; chmod 660 store/*; chmod 777 theirs; chmod 755 .
export ENVCRYPT_KEYSTORE=$PWD/store/keystore.db
as() { local user=$1; shift; setpriv --reuid "$user" --regid backup --clear-groups env HOME="$PWD/theirs" "$@"; }
refused() {
  local name=$1
  shift
  fails 77 as backup envcrypt "$@"
  says "AccessDeniedException: arn:aws:iam::000000000000:user/backup may not do $name: only the keystore's owner, daemon, and root may"
}
# The other user may use the key as its policy says.
echo text > f; as backup envcrypt encrypt -q f -k alias/a -o theirs/f.envc
as daemon envcrypt keystore protector list > before
refused AddProtector keystore protector add none
refused AddProtector keystore protector add key-file:theirs/own.key; absent theirs/own.key
echo his passphrase > theirs/passphrase
refused AddProtector keystore protector add passphrase --new-passphrase-file theirs/passphrase
refused ChangePassphrase keystore passwd --new-passphrase-file theirs/passphrase
refused RemoveProtector keystore protector remove "$(as daemon envcrypt keystore protector list --json | json 'j["Protectors"][0]["ProtectorId"]')"
refused PruneAuditLog keystore audit --prune-before 2999-01-01
refused AcceptRecords keystore check --accept
refused ResetKeyPolicy key policy reset alias/a
refused UpdateStack template apply stack.yaml --stack-name s --yes
refused CreateStack template apply stack.yaml --stack-name other --yes
refused DeleteStack template delete s --yes
refused ExportAllKeys key export --all -o theirs/all.json; absent theirs/all.json
refused BackupKeystore keystore backup theirs/copy.db; absent theirs/copy.db
as daemon envcrypt keystore protector list | diff before -
# Everybody who can read the file may look at it.
as backup envcrypt keystore status > /dev/null
as backup envcrypt template plan stack.yaml --stack-name s > /dev/null
as backup envcrypt keystore audit | matches PruneAuditLog
as backup envcrypt keystore check | matches 'all as envcrypt wrote them'
# The owner, who is not root, and root.
as daemon envcrypt keystore protector add none > added
envcrypt keystore protector remove "$(cat added)"
as daemon envcrypt keystore backup theirs/copy.db
envcrypt keystore audit --json | json '{(r["userIdentity"]["userName"], r["eventName"], r.get("errorCode")) for r in j["Records"]} >= {("backup", n, "AccessDeniedException") for n in "AddProtector RemoveProtector PruneAuditLog AcceptRecords ResetKeyPolicy CreateStack UpdateStack DeleteStack BackupKeystore".split()} | {("daemon", "AddProtector", None), ("root", "RemoveProtector", None)}' | matches True
envcrypt keystore check | matches 'all as envcrypt wrote them'
