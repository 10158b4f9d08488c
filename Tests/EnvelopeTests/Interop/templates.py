"""The same templates applied by envcrypt and by moto's CloudFormation and KMS: the keys, aliases and outputs are alike.
envcrypt is taken from PATH, the current directory is scratch."""
import json, os, re, subprocess, sys

os.environ.update(
    AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1",
    MOTO_ACCOUNT_ID="000000000000", AWS_EC2_METADATA_DISABLED="true")
import boto3
from moto import mock_aws


def run(*arguments):
    return json.loads(subprocess.run(
        ["envcrypt", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout or b"null")


class Envcrypt:
    """What boto3's clients answer, from the tool."""

    def apply(self, name, text, parameters):
        with open("template", "w") as file:
            file.write(text)
        values = [f"{key}={value}" for key, value in parameters.items()]
        overrides = ["--parameter-overrides", *values] if values else []
        stack = run("template", "apply", "template", "--stack-name", name, "--json", *overrides)["Stacks"][0]
        assert stack == run("template", "outputs", name, "--json")["Stacks"][0]
        return stack

    def delete(self, name):
        subprocess.run(["envcrypt", "template", "delete", name], check=True, stdout=subprocess.DEVNULL)

    def kms(self, operation, **request):
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
        return run("kms", name, "--cli-input-json", json.dumps(request))


class Moto:
    def __init__(self):
        self.cloudformation = boto3.client("cloudformation")
        self.client = boto3.client("kms")

    def apply(self, name, text, parameters):
        request = dict(StackName=name, TemplateBody=text, Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        try:
            self.cloudformation.describe_stacks(StackName=name)
        except self.cloudformation.exceptions.ClientError:
            self.cloudformation.create_stack(**request)
        else:
            self.cloudformation.update_stack(**request)
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def delete(self, name):
        self.cloudformation.delete_stack(StackName=name)

    def kms(self, operation, **request):
        return getattr(self.client, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())(**request)


FIELDS = ("Description", "Enabled", "KeyState", "KeyUsage", "KeySpec", "Origin", "KeyManager", "MultiRegion")


def keys(kms):
    """Every key of a person's own, by ID."""
    found = {}
    for entry in kms("ListKeys")["Keys"]:
        metadata = kms("DescribeKey", KeyId=entry["KeyId"])["KeyMetadata"]
        if metadata["KeyManager"] == "CUSTOMER":
            found[entry["KeyId"]] = metadata
    return found


def shape(kms, stack):
    """What there is, with each key's description in place of its ID."""
    metadata = keys(kms)
    names = {id: key["Description"] for id, key in metadata.items()}
    assert len(set(names.values())) == len(names), names

    def neutral(text):
        text = re.sub(r"arn:aws:kms:[a-z0-9-]+:\d{12}:", "ARN:", text)
        for id, name in names.items():
            text = text.replace(id, f"<{name}>")
        return text

    described = {}
    for id, key in metadata.items():
        described[names[id]] = {
            **{field: key[field] for field in FIELDS},
            "Arn": neutral(key["Arn"]),
            "Policy": policy(kms, id),
            "Tags": sorted(
                (tag["TagKey"], tag["TagValue"]) for tag in kms("ListResourceTags", KeyId=id)["Tags"]),
            "Rotation": key["KeyState"] == "Enabled" and key["KeySpec"] == "SYMMETRIC_DEFAULT"
                and kms("GetKeyRotationStatus", KeyId=id)["KeyRotationEnabled"],
        }
    aliases = {
        entry["AliasName"]: neutral(entry["TargetKeyId"]) for entry in kms("ListAliases")["Aliases"]
        if not entry["AliasName"].startswith("alias/aws/") and entry["AliasName"] != "alias/default"}
    outputs = {
        output["OutputKey"]: (neutral(output["OutputValue"]), output.get("Description"), output.get("ExportName"))
        for output in stack.get("Outputs", [])}
    return {"keys": described, "aliases": aliases, "outputs": outputs}


def policy(kms, id):
    return json.loads(kms("GetKeyPolicy", KeyId=id, PolicyName="default")["Policy"])


def alike(name, text, parameters={}, tools=[]):
    if not tools:
        tools += [Envcrypt(), Moto()]
    ours, theirs = (shape(tool.kms, tool.apply(name, text, parameters)) for tool in tools)
    assert ours == theirs, f"\nenvcrypt: {json.dumps(ours, indent=1)}\nmoto: {json.dumps(theirs, indent=1)}"
    return ours, tools


FUNCTIONS = """
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, prod]}
  Names: {Type: CommaDelimitedList, Default: 'first,second'}
Mappings:
  Stages: {test: {Days: '7'}, prod: {Days: '30'}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Not [!Condition IsProd]
  Both: !And [!Condition IsTest, !Not [!Equals [a, a]]]
  Either: !Or [!Condition IsProd, !Condition IsTest]
Resources:
  first:
    Type: AWS::KMS::Key
    Properties:
      Description: !Join [' ', [!Select [0, !Ref Names], key of, !Ref 'AWS::StackName']]
      EnableKeyRotation: !If [IsTest, true, false]
      PendingWindowInDays: !FindInMap [Stages, !Ref Stage, Days]
      KeyPolicy:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}
            Action: 'kms:*'
            Resource: '*'
      Tags: [{Key: stage, Value: !Ref Stage}]
  second:
    Type: AWS::KMS::Key
    DependsOn: first
    Condition: Either
    Properties:
      Description: !Sub ['${Name} for ${Stage}', {Name: !Select [1, !Split [',', 'x,signatures']]}]
      KeySpec: RSA_2048
      KeyUsage: SIGN_VERIFY
      KeyPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::000000000000:root'}, Action: 'kms:*', Resource: '*'}]}
  never:
    Type: AWS::KMS::Key
    Condition: Both
  alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: !Sub 'alias/${Stage}/first', TargetKeyId: !Ref first}
  other:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/second, TargetKeyId: {'Fn::GetAtt': [second, Arn]}}
Outputs:
  First: {Value: !GetAtt first.Arn, Description: The first key, Export: {Name: !Sub '${AWS::StackName}-first'}}
  Second: {Value: {Ref: second}}
"""


@mock_aws
def main(example):
    subprocess.run(["envcrypt", "init", "-q", "--protector", "none"], check=True)
    text = open(example).read()
    ours, tools = alike("example", text)
    assert list(ours["aliases"]) == ["alias/example-KMS"] and len(ours["keys"]) == 1
    assert ours["outputs"]["myKeyArnOutput"][2] == "exampleKMSArn"
    # Again, changed, and another stack beside it.
    assert alike("example", text.replace("encryption KMS key", "key"))[0] != ours
    ours, _ = alike("functions", FUNCTIONS, {"Stage": "test"})
    assert len(ours["keys"]) == 3 and "first key of functions" in ours["keys"], ours
    # What goes.
    for tool in tools:
        tool.delete("example")
    ours, theirs = ({name: key["KeyState"] for name, key in by_description(tool).items()} for tool in tools)
    assert ours["An example symmetric key"] == "PendingDeletion" and ours == theirs, (ours, theirs)


def by_description(tool):
    return {key["Description"]: key for key in keys(tool.kms).values()}


main(sys.argv[1])
print("alike")
