# Every use and change of a key is recorded, shown and checked.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
[ "$(stat -c %a "$log")" = 600 ]
id=$(envcrypt key create --alias alias/a --tag x=y)
echo text > f; envcrypt encrypt f -k alias/a -c purpose=test
envcrypt decrypt f.envc -o - | cmp - f
envcrypt key disable alias/a
fails 69 envcrypt decrypt f.envc -o -
envcrypt key describe alias/a | matches 'last used *2.*, Decrypt'
envcrypt key list > /dev/null; envcrypt inspect f.envc > /dev/null
envcrypt keystore audit --key alias/a | sed 's/  */ /g' | cut -d' ' -f3- > shown
message=$(envcrypt inspect --json f.envc | json 'j["Messages"][0]["MessageId"]')
# For a user without a name, id prints the number and fails.
me=$(id -un 2>/dev/null || true)
envcrypt keystore audit | matches "  $me  CreateKey  $id  ok"
diff shown - <<X
CreateKey $id ok
GenerateDataKey $id version 1 purpose=test message $message ok
Decrypt $id version 1 purpose=test message $message ok
DisableKey $id ok
Decrypt $id purpose=test message $message DisabledException
X
envcrypt keystore audit --operation Decrypt --json | json '[(r["eventName"], r.get("errorCode"), r["requestParameters"]["encryptionContext"], r["userIdentity"]["arn"].split("/")[-1] == "'"$me"'", r["resources"][0]["ARN"].endswith("'"$id"'")) for r in j["Records"]]' > events
[ "$(cat events)" = "[('Decrypt', None, {'purpose': 'test'}, True, True), ('Decrypt', 'DisabledException', {'purpose': 'test'}, True, True)]" ]
envcrypt keystore audit --since 2999-01-01 | cmp - /dev/null
fails 64 envcrypt keystore audit --since yesterday; says 'not a date'
envcrypt kms get-key-last-usage --key-id alias/a | json 'j["KeyLastUsage"]["Operation"]' | matches -x Decrypt
envcrypt keystore check | matches 'all as envcrypt wrote them'
# Control characters in a context are escaped.
envcrypt encrypt f -f -c $'k=\e[31m' && envcrypt keystore audit | matches -F 'k=\u{1b}[31m'
# Entries that were edited or removed are named.
cp "$log" whole
python3 - "$log" <<'P'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = data.index(b"DisableKey")
data[at:at + 10] = b"EnableKey\0"
open(sys.argv[1], "wb").write(data)
P
fails 78 envcrypt keystore check; says 'was edited'
envcrypt encrypt f -f -o g   # the keys can still be used
cp whole "$log"; truncate -s -40 "$log"
fails 78 envcrypt keystore check; says 'is not a record'
rm "$log"
fails 78 envcrypt keystore check; says 'are missing'
cp whole "$log"
envcrypt keystore check > /dev/null
# A pruned log can still be checked.
envcrypt keystore audit --prune-before 2999-01-01 2>&1 | matches 'records deleted'
[ "$(envcrypt keystore audit | wc -l)" = 1 ]
envcrypt keystore check > /dev/null
envcrypt key describe alias/a | matches 'last used *not since'
# A log that cannot be written does not prevent the use of keys, but a message and the status report it.
rm "$log"; mkdir "$log"; rm f.envc
fails 74 envcrypt encrypt f; says 'the audit log lacks records of this command'; says 'keystore.db-audit is not a regular file'
envcrypt inspect f.envc > /dev/null
fails 74 envcrypt decrypt f.envc -o - > g; cmp f g
fails 74 envcrypt key create --alias alias/b > id; envcrypt alias list | matches "alias/b  *$(cat id)"
# Another failure keeps its own status.
fails 69 envcrypt decrypt --key alias/none f.envc -o -
