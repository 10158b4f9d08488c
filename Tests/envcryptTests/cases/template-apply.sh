# A template creates a stack, changes it and deletes it.
cat > keys.yaml <<'END'
AWSTemplateFormatVersion: '2010-09-09'
Description: Keys of a test
Parameters:
  Window: {Type: Number, Default: 30, Description: Days}
Resources:
  main:
    Type: AWS::KMS::Key
    Properties:
      Description: one
      EnableKeyRotation: true
      PendingWindowInDays: !Ref Window
      Tags: [{Key: team, Value: ops}]
  name:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/main, TargetKeyId: !Ref main}
Outputs:
  Arn: {Value: !GetAtt main.Arn, Export: {Name: main-arn}}
END
envcrypt template plan keys.yaml > plan
matches -x '+ main (AWS::KMS::Key)' < plan; matches -x '    + Tags: team=ops' < plan
matches -x '2 to create' < plan
envcrypt key list | matches -v 'one$'
[ "$(envcrypt alias list --json | json 'len(j["Aliases"])')" = 1 ]
envcrypt template apply keys.yaml > applied
id=$(sed -n 's/^+ main (AWS::KMS::Key) //p' applied)
envcrypt key describe alias/main --json | json 'j["KeyMetadata"]["KeyId"]' | matches -x "$id"
matches -x "Arn *arn:aws:kms:local:000000000000:key/$id" < applied
echo text > f; envcrypt encrypt f -k alias/main
# The second time has no effect.

envcrypt template apply keys.yaml | matches -x 'nothing to change'
envcrypt template apply keys.yaml --no-fail-on-empty-changeset --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM
fails 69 envcrypt template apply keys.yaml --fail-on-empty-changeset; says 'nothing to change'
envcrypt template plan keys.yaml | matches -x 'nothing to change'
# The reports.
envcrypt template outputs keys | matches -E "^Arn +arn:aws:kms:local:000000000000:key/$id +main-arn"
envcrypt template outputs --stack-name keys --json | json 'j["Stacks"][0]["Outputs"][0]["ExportName"]' | matches -x main-arn
envcrypt template list | matches -E '^keys +CREATE_COMPLETE .* Keys of a test$'
envcrypt template list --json | json '[s["StackName"] for s in j["StackSummaries"]]' | matches -x "\['keys'\]"
# Changes: one property, then a parameter, in each of the forms of the AWS CLI.
sed 's/Description: one/Description: two/' keys.yaml > two.yaml
envcrypt template plan two.yaml --stack-name keys | matches -x '    ~ Description: one -> two'
envcrypt template plan two.yaml --stack-name keys --json \
  | json '[(c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"]) for c in j["Changes"]]' \
  | matches -x "\[('Modify', 'main')\]"
envcrypt template apply two.yaml --stack-name keys --parameter-overrides Window=9
envcrypt key describe alias/main | matches 'two'
for days in 10 11; do echo '[{"ParameterKey": "Window", "ParameterValue": "'$days'"}]' > p.json
  case $days in
    10) envcrypt template apply two.yaml --stack-name keys --parameters file://p.json ;;
    11) envcrypt template apply two.yaml --stack-name keys --parameter-overrides file://p.json ;;
  esac
  envcrypt template list --json > /dev/null
  envcrypt template outputs keys --json | json 'j["Stacks"][0]["Parameters"][0]["ParameterValue"]' | matches -x $days
done
envcrypt template apply two.yaml --stack-name keys --parameters ParameterKey=Window,ParameterValue=7
envcrypt template apply two.yaml --stack-name keys | matches -x 'nothing to change'
# From standard input, and JSON.
envcrypt template plan - --stack-name keys < two.yaml | matches -x 'nothing to change'
fails 64 envcrypt template plan - < two.yaml; says '--stack-name'
printf '{"Resources": {"k": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"}}}' > other.json
envcrypt template apply other.json | matches -x '1 created'
# Delete.
envcrypt template delete keys --dry-run | matches -E "^- main .*$id: deleted after 7 days"
envcrypt key describe alias/main | matches Enabled
envcrypt template delete keys | matches -x '2 deleted'
envcrypt key describe "$id" | matches PendingDeletion
fails 69 envcrypt decrypt f.envc -o -
fails 69 envcrypt template delete keys; says "there is no stack 'keys'"; says 'envcrypt template list'
fails 69 envcrypt template outputs keys
envcrypt template delete other | matches 'kept, but removed from the stack'
[ "$(envcrypt template list --json | json 'j["StackSummaries"]')" = '[]' ]
envcrypt keystore audit | matches ' DeleteStack '
envcrypt keystore check | matches '0 stacks'
# A template as people write it, with an effective policy and a warning for each misspelled action.
template=$(dirname "$BASH_SOURCE")/../../TestSupport/example.yaml
envcrypt template apply "$template" --stack-name example 2>stderr | matches -x '2 created'
[ "$(wc -l < stderr)" = 2 ]
says "'kms:TagResourse*' matches no action; did you mean kms:TagResource?"
says "'kms:UntagResourse*' matches no action; did you mean kms:UntagResource?"
envcrypt key policy get alias/example-KMS | matches 'user/backup'
envcrypt encrypt f -f -k alias/example-KMS; envcrypt decrypt f.envc -o - | cmp - f
envcrypt template apply "$template" --stack-name example 2>/dev/null | matches -x 'nothing to change'
sed "s/Resourse/Resource/" "$template" > mended.yaml
envcrypt template plan mended.yaml --stack-name example 2>stderr | matches -F '+         "kms:TagResource*"'
envcrypt template apply mended.yaml --stack-name example 2>stderr | matches -x '1 changed'
[ ! -s stderr ]
envcrypt key policy get alias/example-KMS | matches -v Resourse
envcrypt template delete example | matches 'myKey.*deleted after 7 days'
