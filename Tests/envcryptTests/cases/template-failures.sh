# Errors in templates, with their positions. Nothing is done.
cat > bad.yaml <<'END'
Resources:
  k:
    Type: AWS::KMS::Key
    Properties:
      Descripton: x
END
fails 78 envcrypt template validate bad.yaml
says "envcrypt: error: bad.yaml:5:7: AWS::KMS::Key has no property 'Descripton'; did you mean 'Description'?"
fails 78 envcrypt template apply bad.yaml
fails 78 envcrypt template plan - --stack-name s < bad.yaml; says 'envcrypt: error: 5:7: '
printf 'Resources: {b: {Type: "AWS::S3::Bucket"}, q: {Type: "AWS::SQS::Queue"}, k: {Type: "AWS::KMS::Key"}}' > others.yaml
fails 78 envcrypt template apply others.yaml; says 'b (AWS::S3::Bucket, line 1), q (AWS::SQS::Queue, line 1)'
envcrypt template apply others.yaml --skip-unsupported 2>stderr | matches -x '1 created'
says "envcrypt: warning: 'b' is of the type AWS::S3::Bucket, and is skipped"
fails 66 envcrypt template apply nothing.yaml
fails 64 envcrypt template apply others.yaml --capabilities CAPABILITY_X
fails 64 envcrypt template apply others.yaml --stack-name 1a
printf 'Parameters: {P: {Type: String}}\nResources: {k: {Type: "AWS::KMS::Key", Properties: {Description: !Ref P}}}' > needs.yaml
fails 64 envcrypt template plan needs.yaml; says "parameter 'P' has no default"; says 'envcrypt template validate'
envcrypt template validate needs.yaml | matches -E '^P$|^P '
envcrypt template validate needs.yaml --json | json 'j["Parameters"][0]["ParameterKey"]' | matches -x P
fails 64 envcrypt template plan needs.yaml --parameter-overrides Q=1; says "no parameter 'Q'"
fails 64 envcrypt template plan needs.yaml --parameter-overrides P; says 'NAME=VALUE'
fails 64 envcrypt template plan needs.yaml --parameter-overrides P=1 P=2; says 'given twice'
mkdir d; cp needs.yaml 'd/a b.yaml'
fails 64 envcrypt template plan 'd/a b.yaml' --parameter-overrides P=1; says '--stack-name'
# Another spec is another key.
printf 'Resources: {k: {Type: "AWS::KMS::Key", Properties: {KeySpec: RSA_2048}}}' > spec.yaml
envcrypt template apply needs.yaml --stack-name spec --parameter-overrides P=x
fails 69 envcrypt template apply spec.yaml; says 'KeySpec'; says 'another key'
# All or nothing: the alias already exists.
envcrypt key create --alias alias/taken
cat > two.yaml <<'END'
Resources:
  k: {Type: 'AWS::KMS::Key'}
  a: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/fresh, TargetKeyId: !Ref k}}
  b: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/taken, TargetKeyId: !Ref k}}
END
keys=$(envcrypt key list --json | json 'len(j["Keys"])')
envcrypt template plan two.yaml 2>stderr; says 'alias/taken'
fails 73 envcrypt template apply two.yaml; says AlreadyExistsException
[ "$(envcrypt key list --json | json 'len(j["Keys"])')" = "$keys" ]
fails 69 envcrypt key describe alias/fresh
fails 69 envcrypt template outputs two
envcrypt keystore audit --operation CreateKey | tail -1 | matches RolledBack
envcrypt keystore check
# A key that is pending deletion prevents the change, and the hint is a command that helps.
envcrypt alias delete alias/taken
id=$(envcrypt template apply two.yaml | sed -n 's/^+ k (AWS::KMS::Key) //p')
envcrypt key schedule-deletion "$id" 2>/dev/null
envcrypt template plan two.yaml 2>stderr; says 'is pending deletion'
fails 69 envcrypt template apply two.yaml
$(sed -n 's/^envcrypt: hint: //p' stderr)
envcrypt template apply two.yaml
envcrypt key describe "$id" | matches Enabled
# A keystore that does not exist.
fails 78 envcrypt template list --keystore nowhere.db
# Colors only on terminals, and only if they are wanted.
envcrypt template plan two.yaml --stack-name new > plain
! matches "$(printf '\033')" < plain || exit 1
on_terminal '' env TERM=xterm envcrypt template plan two.yaml --stack-name new | matches "$(printf '\033')\[32m+ k"
on_terminal '' env NO_COLOR=1 TERM=xterm envcrypt template plan two.yaml --stack-name new > plain
if grep -q "$(printf '\033')" plain; then exit 1; fi
# On a terminal the user must confirm before keys are deleted.
printf 'Resources: {n: {Type: "AWS::KMS::Key"}}' > new.yaml
for answer in n y; do
  status=0
  on_terminal $answer envcrypt template apply new.yaml --stack-name two > asked || status=$?
  matches 'Delete 1 key' < asked
  case $answer in
    n) [ $status = 77 ]; envcrypt key describe "$id" | matches Enabled ;;
    y) [ $status = 0 ]; envcrypt key describe "$id" | matches PendingDeletion ;;
  esac
done
status=0
on_terminal n envcrypt template delete two > asked || status=$?
[ $status = 77 ]; matches 'not confirmed' < asked
on_terminal '' envcrypt template delete two --yes | matches '1 deleted'
