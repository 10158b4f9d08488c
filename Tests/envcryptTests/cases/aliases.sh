# Aliases name keys. Messages do not depend on them.
envcrypt key create --alias alias/a > a; envcrypt key create > b
echo text > f; envcrypt encrypt f -k alias/a
envcrypt alias update alias/a "$(cat b)"
envcrypt key describe alias/a | matches "$(cat b)"
envcrypt decrypt f.envc -o - | cmp - f
envcrypt alias create alias/old "$(cat a)"
envcrypt alias list | matches "alias/old *$(cat a)"
envcrypt alias list --json | json 'len(j["Aliases"])' | matches -x 3
envcrypt alias delete alias/old
fails 69 envcrypt alias delete alias/old
fails 64 envcrypt alias create alias/aws/x "$(cat a)"; says InvalidAliasNameException
fails 73 envcrypt alias create alias/a "$(cat a)"
envcrypt key list --json | json 'len(j["Keys"]), j["Truncated"]' | matches -x '(3, False)'
arn=$(envcrypt key describe "$(cat a)" --json | json 'j["KeyMetadata"]["Arn"]')
envcrypt encrypt f -f -k "$arn"
