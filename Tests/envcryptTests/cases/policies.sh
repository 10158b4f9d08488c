# An administrator and a backup user: the permissions for a key, in simulation and with a second real user.
key=$(envcrypt key create --alias alias/a)
arn=arn:aws:iam::000000000000
cat > policy.json <<X
{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "account", "Effect": "Allow", "Principal": {"AWS": "$arn:root"}, "Action": "kms:*", "Resource": "*"},
    {"Sid": "admin", "Effect": "Allow", "Principal": {"AWS": "$arn:user/key-admin"},
     "Action": ["kms:Describe*", "kms:Put*", "kms:Disable*", "kms:TagResourse*"], "Resource": "*"},
    {"Sid": "use", "Effect": "Allow", "Principal": {"AWS": "$arn:user/backup"},
     "Action": ["kms:GenerateDataKey", "kms:DescribeKey"], "Resource": "*"},
    {"Sid": "restore", "Effect": "Allow", "Principal": {"AWS": ["$arn:user/backup", "$arn:user/daemon"]},
     "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "backup"}}}
  ]
}
X
envcrypt key policy get alias/a | matches 'Enable IAM User Permissions'
envcrypt key policy put alias/a policy.json 2> stderr
says "envcrypt: warning: statement 2 'admin': 'kms:TagResourse*' matches no action; did you mean kms:TagResource?"
[ "$(grep -c . stderr)" = 1 ]
envcrypt key policy get alias/a | diff - policy.json
envcrypt key policy get alias/a --json | json 'j["PolicyName"]' | matches -x default
envcrypt key describe alias/a | matches 'policy .*its own'
# The decision, before anybody tries.
simulate() { envcrypt key policy simulate alias/a "$@"; }
simulate --principal backup --action kms:GenerateDataKey | matches "allowed by statement 3 'use'"
simulate --principal backup --action Decrypt -c purpose=backup | matches "allowed by statement 4 'restore'"
fails 77 simulate --principal backup --action Decrypt > out; matches 'no statement and no grant allows it' < out
matches "StringEquals kms:EncryptionContext:purpose: wanted 'backup', found nothing" < out
fails 77 simulate --principal backup --action kms:DisableKey
fails 77 simulate --principal key-admin --action Encrypt --action PutKeyPolicy --json > out
[ "$(json '[r["EvalDecision"] for r in j["EvaluationResults"]]' < out)" = "['implicitDeny', 'allowed']" ]
simulate --action kms:ScheduleKeyDeletion | matches "allowed by statement 1 'account'"
sed 's/"Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"/"Deny", "Principal": {"AWS": "*"/' policy.json > deny.json
fails 77 simulate --policy deny.json --principal backup --action GenerateDataKey > out; matches "denied by statement 1" < out
# Nobody is locked out by mistake, and the owner has a way back.
fails 64 envcrypt key policy put alias/a deny.json; says 'MalformedPolicyDocumentException'
envcrypt key policy put alias/a deny.json --bypass-policy-lockout-safety-check 2> /dev/null
echo text > f
fails 77 envcrypt encrypt f -k alias/a; absent f.envc
says "kms:GenerateDataKey with key $key: statement 1 'account' of its policy denies it"
says 'envcrypt: hint: envcrypt key policy simulate'
envcrypt key policy reset alias/a
envcrypt encrypt f -k alias/a -c purpose=backup
envcrypt key policy put alias/a policy.json 2> /dev/null
# To read a file under an elliptic-curve key, kms:Decrypt is needed, or kms:DeriveSharedSecret, which is the same in
# AWS.
envcrypt key create --alias alias/ec --spec ECC_NIST_P256 --usage KEY_AGREEMENT > /dev/null
envcrypt encrypt f -o ec.envc -k alias/ec
for action in Decrypt DeriveSharedSecret; do
  cat > ec.json <<X
{"Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "$arn:root"}, "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": {"AWS": "$arn:root"}, "Action": "kms:$action", "Resource": "*"},
  {"Effect": "Allow", "Principal": {"AWS": "$arn:user/backup"}, "Action": "kms:$action", "Resource": "*"}]}
X
  envcrypt key policy put alias/ec ec.json
  fails 77 envcrypt decrypt ec.envc -o -; says 'may not do kms:Decrypt'; says 'statement 2 of its policy denies it'
  fails 77 envcrypt key policy simulate alias/ec --action kms:Decrypt > out; matches 'denied by statement 2' < out
  envcrypt key policy simulate alias/ec --principal backup --action kms:Decrypt | matches 'allowed by statement 3'
  fails 77 envcrypt key policy simulate alias/ec --principal backup --action kms:Encrypt > out; matches 'no statement' < out
done
envcrypt key policy reset alias/ec
envcrypt decrypt ec.envc -o - | cmp - f
envcrypt keystore audit --key alias/ec | cut -d' ' -f3- | grep -o 'Decrypt\|Derive[A-Za-z]*' | sort -u | diff - <(echo Decrypt)
# Errors in a document are reported with their position.
fails 64 envcrypt key policy put alias/a <(sed 's/"Allow"/"Permit"/' policy.json); says "statement 1 'account'"
fails 64 envcrypt key policy put alias/a <(echo '{'); says 'not JSON'
fails 66 envcrypt key policy put alias/a absent.json

# A second user who can read and write a copy of the keystore.
if can_be backup; then
  mkdir store; cp "$XDG_DATA_HOME"/envcrypt/keystore.db* store
  chown -R 0:backup store; chmod 770 store; chmod 660 store/*
  fails 78 envcrypt key list --keystore store/keystore.db; says 'others may read'
  chmod 2770 store
  envcrypt encrypt f -o other.envc -k alias/a -c purpose=other
  chmod 755 .; chmod 644 *.envc
  # The tool itself may be in a directory that other users cannot reach.
  mkdir -m 755 bin; cp "$(command -v envcrypt)" bin
  as_backup() {
    setpriv --reuid backup --regid backup --clear-groups env -C "$PWD" \
      ENVCRYPT_KEYSTORE="$PWD/store/keystore.db" HOME="$PWD/store" "$PWD/bin/envcrypt" "$@"
  }
  mkdir -m 777 theirs
  as_backup encrypt f -k alias/a -o theirs/f.envc
  envcrypt decrypt theirs/f.envc -o - | cmp - f
  as_backup decrypt f.envc -o - | cmp - f
  fails 77 as_backup decrypt other.envc -o -
  says "user/backup may not do kms:Decrypt with key $key: no statement of its policy allows it, and no grant"
  fails 77 as_backup key disable alias/a
  fails 77 as_backup key create; says 'only the account'
  fails 77 as_backup encrypt f -k alias/default -o theirs/g.envc
  # A grant allows what the policy does not.
  export ENVCRYPT_KEYSTORE=$PWD/store/keystore.db
  [ "$(stat -c %a:%G store/keystore.db-audit)" = 660:backup ]
  grant=$(envcrypt key grant create alias/a --grantee backup --operation Decrypt -c purpose=other)
  as_backup decrypt other.envc -o - | cmp - f
  envcrypt key grant revoke alias/a "$grant"
  fails 77 as_backup decrypt other.envc -o -
  envcrypt keystore audit --json | json '{(r["userIdentity"]["arn"].split("/")[-1], r["eventName"], r.get("errorCode")) for r in j["Records"]} >= {("backup", "DisableKey", "AccessDeniedException"), ("backup", "Decrypt", "AccessDeniedException"), ("backup", "Decrypt", None)}' | matches True
  envcrypt keystore audit --prune-before 2999-01-01 2> /dev/null
  [ "$(stat -c %a:%G store/keystore.db-audit)" = 660:backup ]
  envcrypt keystore check | matches 'all as envcrypt wrote them'
fi
