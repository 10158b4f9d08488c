# JSON is read strictly according to RFC 8259, and errors are reported with their position.
umask 077

# input OPERATION JSON: a JSON request must be refused as wrong usage, on the command line and in a file.
input() {
  fails 64 envcrypt kms "$1" --cli-input-json "$2"
  cp stderr first
  printf '%s' "$2" > input.json
  fails 64 envcrypt kms "$1" --cli-input-json file://input.json
  cmp first stderr
}

# Numbers: every integer of every request. They once were internal errors (70) with a fraction or if they were too
# large.
while read -r operation member rest; do
  for number in 1.5 4096.0 1e3 -1.0 1e400; do
    input "$operation" "{\"$member\": $number$rest}"; says "--cli-input-json: $member: $number is not a whole number"
  done
  for number in 9223372036854775808 -9223372036854775809 99999999999999999999999999; do
    input "$operation" "{\"$member\": $number$rest}"; says "--cli-input-json: $member: $number is out of range"
  done
  for value in true '"16"' '[16]' '{}'; do
    input "$operation" "{\"$member\": $value$rest}"; says "--cli-input-json: $member: expected a number"
  done
done <<'X'
generate-data-key NumberOfBytes , "KeyId": "alias/default"
generate-data-key-without-plaintext NumberOfBytes , "KeyId": "alias/default"
generate-random NumberOfBytes
schedule-key-deletion PendingWindowInDays , "KeyId": "alias/default"
enable-key-rotation RotationPeriodInDays , "KeyId": "alias/default"
list-aliases Limit
list-grants Limit , "KeyId": "alias/default"
list-retirable-grants Limit , "RetiringPrincipal": "me"
list-keys Limit
list-key-policies Limit , "KeyId": "alias/default"
list-key-rotations Limit , "KeyId": "alias/default"
list-resource-tags Limit , "KeyId": "alias/default"
X
envcrypt kms generate-data-key --cli-input-json '{"KeyId": "alias/default", "NumberOfBytes": 16}' | matches Plaintext
envcrypt kms list-keys --cli-input-json $'\n{ "Limit" :\t1 }\r\n' | matches KeyId
input list-keys '{"Limit": -0}'; says ValidationException

# Texts that other readers accept or read in two ways.
while IFS='|' read -r json place; do
  input create-key "$(printf '%b' "$json")"
  says "--cli-input-json: it is not JSON: line $place"
done <<'X'
{"Description": "a",}|1, column 21: expected a name in double quotes
{"Description": "a"} x|1, column 22: expected the end of the text
{"Description": "a"}{}|1, column 21: expected the end of the text
{\n  "Description": "a" // comment\n}|2, column 22: expected ',' or '}'
{'Description': 'a'}|1, column 2: expected a name in double quotes
{Description: "a"}|1, column 2: expected a name in double quotes
{"Tags": [{"TagKey": "é", "TagValue": "b"},\n]}|2, column 1: Tags[1]: expected a value
{"Tags": [{"TagKey": "é", "TagValue": b}]}|1, column 39: Tags[0].TagValue: expected a value
{"Description": "a\tb"}|1, column 19: Description: a control character in a string must be escaped
{"Description": "a\\ud800"}|1, column 19: Description: unpaired surrogate
{"Description": "\\x"}|1, column 18: Description: unknown escape sequence
{"Description": "a|1, column 19: Description: expected '"', found the end
{"Description": 016}|1, column 18: Description: a number must not have leading zeros
{"Description": +1}|1, column 17: Description: expected a value
{"Description": NaN}|1, column 17: Description: expected a value
{"Description": True}|1, column 17: Description: expected a value
|1, column 1: expected a value, found the end
X
input create-key '{"Description": "a", "Descriptio\u006e": "b"}'
says "line 1, column 22: 'Description' occurs twice in one object"
fails 64 envcrypt kms tag-resource --key-id alias/default --tags '[{"TagKey": "a", "TagValue": "b", "TagKey": "c"}]'
says "--tags: line 1, column 35: [0]: 'TagKey' occurs twice in one object"
fails 64 envcrypt kms encrypt --key-id alias/default --plaintext aGk= --encryption-context '{"a": "1", "a": "2"}'
says "--encryption-context: line 1, column 12: 'a' occurs twice in one object"
fails 64 envcrypt kms encrypt --key-id alias/default --plaintext aGk= --encryption-context '{"a": 1}'
says '--encryption-context: a: expected a string'
printf '{"Description": "\xff"}' > input.json
fails 64 envcrypt kms create-key --cli-input-json file://input.json; says 'line 1, column 18: Description: invalid UTF-8'
printf '\xef\xbb\xbf{"Description": "mark"}' > input.json
envcrypt kms create-key --cli-input-json file://input.json | matches '"Description": "mark"'

# Policies.
envcrypt key create --alias alias/a > /dev/null
policy='{"Statement": {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*"}}'
envcrypt key policy put alias/a <(echo "$policy")
while IFS='|' read -r pattern replacement message; do
  fails 64 envcrypt key policy put alias/a <(echo "${policy/"$pattern"/$replacement}")
  says "the document is not JSON: line 1, column $message"
done <<'X'
"*"}}|"*",}}|108: Statement: expected a name in double quotes
"kms:*"|["kms:*",]|92: Statement.Action[1]: expected a value
"Allow"|'Allow'|26: Statement.Effect: expected a value
}}|}} /* all */|110: expected the end of the text
X
fails 64 envcrypt key policy put alias/a <(echo "${policy/\"Action\"/\"Effect\": \"Deny\", \"Action\"}")
says "line 1, column 73: Statement: 'Effect' occurs twice in one object"

# Templates: a template that begins with a brace is JSON, although YAML would accept it.
template='{"Resources": {"k": {"Type": "AWS::KMS::Key", "Properties": {"Description": "\ud83d\ude00", "PendingWindowInDays": 7}}}}'
echo "$template" > k.json
envcrypt template validate k.json
while IFS='|' read -r pattern replacement message; do
  echo "${template/"$pattern"/$replacement}" > k.json
  fails 78 envcrypt template validate k.json; says "k.json:1:$message"
done <<'X'
7}|7,}|118: not JSON: expected a name in double quotes
"k"|k|16: not JSON: expected a name in double quotes
"Type"|# comment|22: not JSON: expected a name in double quotes
"AWS::KMS::Key"|!Ref x|30: not JSON: expected a value
"AWS::KMS::Key"|'AWS::KMS::Key'|30: not JSON: expected a value
7}|07}|117: not JSON: a number must not have leading zeros
7}|null}|116: a value is missing: null is not allowed in templates
"Description"|"PendingWindowInDays": 8, "Description"|119: 'PendingWindowInDays' occurs twice
\ude00|x|78: not JSON: unpaired surrogate
X
# A flow mapping is YAML if something comes before it.
printf -- '--- {Resources: {k: {Type: AWS::KMS::Key}},}\n' > k.yaml
envcrypt template validate k.yaml

# Keyring files.
envcrypt key export alias/default -o key.json 2>/dev/null
echo a | envcrypt encrypt -q -o a.envc
envcrypt decrypt --keyring key.json -o - a.envc | matches -x a
for change in 's/"bits" : 256/"bits" : 256,/;s/,,/,/;s/"symmetric"/"symmetric",/' 's/256/0256/' 's/256/+256/'; do
  sed "$change" key.json > broken.json
  fails 78 envcrypt verify --keyring broken.json a.envc; says 'it is neither JSON nor a PEM key: line '
done
sed 's/"bits" : 256/"bits" : 256, "bits" : 256/' key.json > broken.json
fails 78 envcrypt verify --keyring broken.json a.envc; says "keys.0 has 'bits' twice"
for number in 256.0 99999999999999999999; do
  sed "s/256/$number/" key.json > broken.json
  fails 78 envcrypt verify --keyring broken.json a.envc; says 'keys.0.bits has an unknown value'
done
