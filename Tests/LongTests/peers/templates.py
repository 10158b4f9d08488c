"""Applies the same templates with envcrypt and with moto's CloudFormation and KMS: the keys, aliases and outputs
must be equal. Takes envcrypt from PATH and writes into the current directory."""
import json, os, re, subprocess, sys

os.environ.update(
    AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1",
    MOTO_ACCOUNT_ID="000000000000", AWS_EC2_METADATA_DISABLED="true")
import boto3
from moto import mock_aws
from moto.kms import models


def run(*arguments):
    return json.loads(subprocess.run(
        ["envcrypt", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout or b"null")


class Envcrypt:
    """The interface of boto3's clients, implemented with the tool."""

    def apply(self, name, text, parameters):
        with open("template", "w") as file:
            file.write(text)
        values = [f"{key}={value}" for key, value in parameters.items()]
        overrides = ["--parameter-overrides", *values] if values else []
        stack = run("template", "apply", "template", "--stack-name", name, "--json", *overrides)["Stacks"][0]
        assert stack == run("template", "outputs", name, "--json")["Stacks"][0]
        return stack

    def kms(self, operation, **request):
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
        return run("kms", name, "--cli-input-json", json.dumps(request))


def corrected(create):
    """moto's kms.Key takes tags and policies under CloudFormation's names, but then expects those of the KMS API."""
    def created(cls, name, resource, *more, **others):
        properties = dict(resource["Properties"])
        properties["KeyPolicy"] = json.dumps(properties["KeyPolicy"], default=str)
        properties["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])]
        return create(cls, name, {**resource, "Properties": properties}, *more, **others)
    return classmethod(created)


models.Key.create_from_cloudformation_json = corrected(models.Key.create_from_cloudformation_json.__func__)


class Moto:
    def __init__(self):
        self.cloudformation = boto3.client("cloudformation")
        self.client = boto3.client("kms")

    def apply(self, name, text, parameters):
        self.cloudformation.create_stack(StackName=name, TemplateBody=text, Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def kms(self, operation, **request):
        return getattr(self.client, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())(**request)


FIELDS = ("Description", "Enabled", "KeyState", "KeyUsage", "KeySpec", "Origin", "KeyManager", "MultiRegion")


def keys(kms):
    """Returns every customer managed key by its ID."""
    found = {}
    for entry in kms("ListKeys")["Keys"]:
        metadata = kms("DescribeKey", KeyId=entry["KeyId"])["KeyMetadata"]
        if metadata["KeyManager"] == "CUSTOMER":
            found[entry["KeyId"]] = metadata
    return found


def shape(kms, stack):
    """Returns the keys and aliases, with each key's description in place of its ID."""
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


def alike(tools, name, text, parameters={}):
    ours, theirs = (shape(tool.kms, tool.apply(name, text, parameters)) for tool in tools)
    assert ours == theirs, f"\nenvcrypt: {json.dumps(ours, indent=1)}\nmoto: {json.dumps(theirs, indent=1)}"
    return ours


FUNCTIONS = """
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, prod]}
Mappings:
  Stages: {test: {Days: '7'}, prod: {Days: '30'}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: {'Fn::Not': [{Condition: IsProd}]}
  Both: {'Fn::And': [{Condition: IsTest}, {'Fn::Not': [{'Fn::Equals': [a, a]}]}]}
  Either: {'Fn::Or': [{Condition: IsProd}, {Condition: IsTest}]}
Resources:
  first:
    Type: AWS::KMS::Key
    Properties:
      Description: !Join [' ', [!Select [0, [first, last]], key of, !Ref 'AWS::StackName']]
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
  Second: {Value: {Ref: second}, Export: {Name: second}}
"""

IMPORTS = """
Resources:
  alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/imported, TargetKeyId: !ImportValue functions-first}
"""


@mock_aws
def main(example):
    subprocess.run(["envcrypt", "init", "-q", "--protector", "none"], check=True)
    tools = Envcrypt(), Moto()
    ours = alike(tools, "example", open(example).read())
    assert list(ours["aliases"]) == ["alias/example-KMS"] and len(ours["keys"]) == 1, ours
    assert ours["outputs"]["myKeyArnOutput"][2] == "exampleKMSArn", ours
    ours = alike(tools, "functions", FUNCTIONS, {"Stage": "prod"})
    assert len(ours["keys"]) == 3 and ours["keys"]["first key of functions"]["Tags"] == [("stage", "prod")], ours
    assert sorted(ours["aliases"]) == ["alias/example-KMS", "alias/prod/first", "alias/second"], ours
    ours = alike(tools, "imports", IMPORTS, {})
    assert ours["aliases"]["alias/imported"] == "<first key of functions>", ours


main(sys.argv[1])
print("alike")
