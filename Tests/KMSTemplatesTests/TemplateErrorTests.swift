import Testing

@testable import KMSTemplates
@testable import TestSupport

/// Every error and every unsupported feature, with its position.
@Suite struct TemplateErrorTests {
  private static let resource = "Resources: {k: {Type: 'AWS::KMS::Key'}}\n"

  @Test(arguments: [
    ("Resources: {}", "1:1 the template has no Resources"),
    ("Description: x", "1:1 the template has no Resources"),
    (
      "\(resource)Transform: AWS::Serverless-2016-10-31",
      "2:1 the section Transform is not supported"
    ),
    ("\(resource)Rules: {}", "2:1 the section Rules is not supported"),
    ("\(resource)Output: {}", "2:1 unknown section 'Output'; did you mean 'Outputs'?"),
    ("\(resource)Macros: {}", "2:1 unknown section 'Macros'"),
    (
      "AWSTemplateFormatVersion: 2010-09-10\n\(resource)",
      "1:27 AWSTemplateFormatVersion is 2010-09-09, not '2010-09-10'"
    ),
    ("\(resource)Description: [a]", "2:14 Description must be text, not a list"),
    ("\(resource)Outputs: [a]", "2:10 Outputs must be a mapping, not a list"),
    (
      "\(resource)Outputs: {o: {Valu: 1}}",
      "2:15 unknown property 'Valu' of output 'o'; did you mean 'Value'?"
    ),
    ("\(resource)Outputs: {o: {}}", "2:11 output 'o' has no Value"),
    (
      "\(resource)Outputs: {o-o: {Value: 1}}",
      "2:11 the name of an output must be 1 to 255 letters and digits, not 'o-o'"
    ),
    ("\(resource)Outputs: {o: {Value: [1]}}", "2:22 Value of output 'o' must be text, not a list"),
    (
      "\(resource)Outputs: {o: {Value: !Ref AWS::NoValue}}", "2:22 Value of output 'o' has no value"
    ),
    (
      "\(resource)Outputs: {o: {Value: 1, Export: x}}",
      "2:33 Export of output 'o' must be a mapping, not text"
    ),
    (
      "\(resource)Outputs: {o: {Value: 1, Export: {Nam: x}}}",
      "2:33 Export of output 'o' must be a mapping with Name"
    ),
    (
      "\(resource)Outputs: {o: {Value: 1, Export: {Name: !Ref k}}}",
      "2:40 the name of an export cannot depend on a resource"
    ),
    (
      "\(resource)Outputs: {o: {Value: 1, Export: {Name: e}}, p: {Value: 1, Export: {Name: e}}}",
      "2:45 two outputs are exported as 'e'"
    ),
    ("\(resource)Outputs: {o: {Value: 1, Condition: C}}", "2:36 there is no condition 'C'"),
    (
      "Resources: {k-k: {Type: x}}",
      "1:13 the name of a resource must be 1 to 255 letters and digits, not 'k-k'"
    ),
    ("Resources: {k: {}}", "1:13 resource 'k' has no Type"),
    (
      "Resources:\n  a: {Type: 'AWS::S3::Bucket'}\n  k: {Type: 'AWS::KMS::Key'}\n  r:\n    Type: AWS::KMS::ReplicaKey",
      "2:13 resources of these types are not supported: a (AWS::S3::Bucket, line 2), "
        + "r (AWS::KMS::ReplicaKey, line 5)"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', Propertys: {}}}",
      "1:40 unknown attribute 'Propertys' of resource 'k'; did you mean 'Properties'?"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', CreationPolicy: {}}}",
      "1:40 CreationPolicy is not supported: keys are made at once"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', UpdatePolicy: {}}}",
      "1:40 UpdatePolicy is not supported: keys are made at once"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', DeletionPolicy: Snapshot}}",
      "1:56 DeletionPolicy of resource 'k' cannot be Snapshot: keys have none"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', DeletionPolicy: Keep}}",
      "1:56 DeletionPolicy of resource 'k' must be one of Delete, Retain, RetainExceptOnCreate, not 'Keep'"
    ),
    (
      "Resources: {k: {Type: 'AWS::KMS::Key', DependsOn: [k2]}}",
      "1:52 resource 'k' depends on 'k2', which is not a resource"
    ),
    ("Resources: {k: {Type: 'AWS::KMS::Key', Condition: C}}", "1:51 there is no condition 'C'"),
    (
      "\(resource)Parameters: {k: {Type: String, Default: ''}}",
      "1:13 'k' is a parameter and a resource"
    ),
  ])
  func sectionsAndAttributes(text: String, expected: String) throws {
    let found = try problem(text)
    #expect(found == expected)
  }

  @Test(arguments: [
    (
      "Descripton: x", "5:7 AWS::KMS::Key has no property 'Descripton'; did you mean 'Description'?"
    ),
    ("AliasName: x", "5:7 AWS::KMS::Key has no property 'AliasName'"),
    ("MultiRegion: true", "5:20 MultiRegion of 'k' cannot be true: a keystore is one place"),
    ("Enabled: yes", "5:16 Enabled of 'k' must be true or false, not 'yes'"),
    ("Enabled: [true]", "5:16 Enabled of 'k' must be text, not a list"),
    ("PendingWindowInDays: 6", "5:28 PendingWindowInDays of 'k' must be 7 to 30, not '6'"),
    ("PendingWindowInDays: 31", "5:28 PendingWindowInDays of 'k' must be 7 to 30, not '31'"),
    ("PendingWindowInDays: 7.5", "5:28 PendingWindowInDays of 'k' must be 7 to 30, not '7.5'"),
    ("RotationPeriodInDays: 89", "5:29 RotationPeriodInDays of 'k' must be 90 to 2560, not '89'"),
    (
      "RotationPeriodInDays: 99999999999999999999",
      "5:29 RotationPeriodInDays of 'k' must be 90 to 2560, not '99999999999999999999'"
    ),
    (
      "KeyUsage: SIGN",
      "5:17 KeyUsage of 'k' must be one of ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC, KEY_AGREEMENT, not 'SIGN'"
    ),
    (
      "KeyUsage: SIGN_VERIFY",
      "5:17 KeyUsage of 'k' does not fit: SYMMETRIC_DEFAULT is for ENCRYPT_DECRYPT, not SIGN_VERIFY"
    ),
    (
      "KeySpec: HMAC_256",
      "5:16 KeySpec of 'k' does not fit: HMAC_256 is for GENERATE_VERIFY_MAC, not ENCRYPT_DECRYPT"
    ),
    (
      "KeySpec: SM2",
      "5:16 KeySpec of 'k': key spec SM2 is not supported: KMS has it in the regions of China only"
    ),
    (
      "Origin: AWS_CLOUDHSM",
      "5:15 Origin of 'k' cannot be AWS_CLOUDHSM: there are no custom key stores"
    ),
    ("Origin: HOME", "5:15 Origin of 'k' must be one of AWS_KMS, EXTERNAL, not 'HOME'"),
    (
      "Origin: EXTERNAL\nEnableKeyRotation: true",
      "6:26 EnableKeyRotation of 'k' can be true for SYMMETRIC_DEFAULT keys of the origin AWS_KMS only"
    ),
    (
      "KeyPolicy: hello",
      "5:18 KeyPolicy of 'k': the document is not JSON: line 1, column 1: expected a value"
    ),
    ("KeyPolicy: '[1]'", "5:18 KeyPolicy of 'k': the document is not a JSON object"),
    ("KeyPolicy: {Id: x}", "5:18 KeyPolicy of 'k': the document has no Statement"),
    (
      "KeyPolicy: {Statement: {Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*', "
        + "Condition: {StringEquals: {'kms:ViaService': s3}}}}",
      "5:121 KeyPolicy of 'k': statement 1: Condition: StringEquals: the condition key "
        + "'kms:ViaService' is not supported"
    ),
    (
      "KeyPolicy:\n  Statement:\n  - \(policyText("x").dropFirst(13).dropLast(2))\n  - Sid: y\n    Efect: Deny",
      "9:11 KeyPolicy of 'k': statement 2 'y': 'Efect' is not known"
    ),
    ("KeyPolicy: [a]", "5:18 KeyPolicy of 'k' must be a mapping, not a list"),
    (
      "KeyPolicy: {a: \(String(repeating: "x", count: 32768))}",
      "5:18 KeyPolicy of 'k' must have at most 32768 bytes as JSON"
    ),
    (
      "Description: \(String(repeating: "x", count: 8193))",
      "5:20 Description of 'k': a description has at most 8192 characters, this one has 8193"
    ),
    ("Tags: {a: b}", "5:13 Tags of 'k' must be a list, not a mapping"),
    ("Tags: [{Key: a}]", "5:14 a tag has Key and Value"),
    ("Tags: [{Key: a, Value: b, Colour: c}]", "5:33 a tag has Key and Value, not 'Colour'"),
    (
      "Tags: [{Key: 'aws:a', Value: b}]",
      "5:13 Tags of 'k': tag keys that begin with aws: are reserved: 'aws:a'"
    ),
    (
      "Tags: [{Key: a, Value: b}, {Key: a, Value: c}]",
      "5:13 Tags of 'k': two tags of a key cannot have the same key"
    ),
  ])
  func keyProperties(properties: String, expected: String) throws {
    let found = try problem(keyTemplate(properties))
    #expect(found == expected)
  }

  @Test(arguments: [
    ("AliasName: alias/a", "2:3 resource 'a' has no TargetKeyId"),
    ("TargetKeyId: x", "2:3 resource 'a' has no AliasName"),
    (
      "AliasName: a, TargetKeyId: !Ref k",
      "2:56 AliasName of 'a' must be alias/ and 1 to 250 letters, digits, '/', '_' or '-', not 'a'"
    ),
    (
      "AliasName: alias/aws/a, TargetKeyId: !Ref k",
      "2:56 AliasName of 'a' must be alias/ and 1 to 250 letters, digits, '/', '_' or '-', not 'alias/aws/a'"
    ),
    (
      "AliasName: alias/a, TargetKeyId: alias/b",
      "2:78 TargetKeyId of 'a' must be a key's ID or ARN, not 'alias/b'"
    ),
    (
      "AliasName: alias/a, TargetKeyId: !Ref b",
      "2:78 TargetKeyId of 'a' must be a key's ID or ARN, and 'b' is not a key"
    ),
    ("AliasName: alias/a, Target: !Ref k", "2:65 AWS::KMS::Alias has no property 'Target'"),
  ])
  func aliasProperties(properties: String, expected: String) throws {
    let text = """
      Resources:
        a: {Type: 'AWS::KMS::Alias', Properties: {\(properties)}}
        k: {Type: 'AWS::KMS::Key'}
        b: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/b, TargetKeyId: !Ref k}}
      """
    let found = try problem(text)
    #expect(found == expected)
  }

  @Test(arguments: [
    ("!Reff k", "6:12 Fn::Reff is not supported; did you mean 'Ref'?"),
    ("!GetAZs ''", "6:12 Fn::GetAZs is not supported"),
    ("!Cidr [a, 1]", "6:12 Fn::Cidr is not supported"),
    ("!Length [a]", "6:12 Fn::Length is not supported"),
    ("{'Fn::ToJsonString': {a: b}}", "6:12 Fn::ToJsonString is not supported"),
    ("{'Fn::Transform': {Name: x}}", "6:12 Fn::Transform is not supported"),
    ("!Joyn ['', []]", "6:12 Fn::Joyn is not supported; did you mean 'Fn::Join'?"),
    ("{Ref: k, b: c}", "6:13 Ref must be the only key of its mapping"),
    ("!Ref kk", "6:12 there is no parameter or resource 'kk'; did you mean 'k'?"),
    ("!Ref [k]", "6:12 the argument of Ref must be text, not a list"),
    ("!Ref AWS::Nothing", "6:12 there is no pseudo parameter AWS::Nothing"),
    ("!GetAtt k", "6:12 Fn::GetAtt takes LOGICAL-ID.ATTRIBUTE, or a list of both"),
    ("!GetAtt [k, Arn, x]", "6:12 Fn::GetAtt takes LOGICAL-ID.ATTRIBUTE, or a list of both"),
    ("!GetAtt k.Name", "6:12 AWS::KMS::Key has no attribute 'Name', only Arn, KeyId"),
    ("!GetAtt kk.Arn", "6:12 there is no resource 'kk'; did you mean 'k'?"),
    ("!Sub '${nothing}'", "6:12 there is no parameter or resource 'nothing'"),
    ("!Sub '${k.Nothing}'", "6:12 AWS::KMS::Key has no attribute 'Nothing', only Arn, KeyId"),
    ("!Sub '${a b}'", "6:12 '${a b}' in Fn::Sub is not a name: letters, digits, '.', ':' and '_'"),
    ("!Sub '${}'", "6:12 '${}' in Fn::Sub is not a name: letters, digits, '.', ':' and '_'"),
    ("!Sub [a]", "6:12 Fn::Sub takes a list of a text and a mapping of its variables"),
    ("!Sub ['${x}', {x: [1]}]", "6:30 a variable of Fn::Sub must be text, not a list"),
    ("!Join ['']", "6:12 Fn::Join takes a list of a separator and a list"),
    ("!Join ['', a]", "6:23 the second argument of Fn::Join must be a list, not text"),
    ("!Join ['', [[a]]]", "6:24 an item of Fn::Join must be text, not a list"),
    ("!Select [2, [a, b]]", "6:21 the index of Fn::Select must be 0 to 1, not '2'"),
    ("!Select [-1, [a, b]]", "6:21 the index of Fn::Select must be 0 to 1, not '-1'"),
    ("!Select [x, [a, b]]", "6:21 the index of Fn::Select must be 0 to 1, not 'x'"),
    ("!Select [0, []]", "6:24 the second argument of Fn::Select is empty"),
    ("!Split ['', a]", "6:20 the separator of Fn::Split is empty"),
    ("!Split [',', a]", "6:12 Value of output 'o' must be text, not a list"),
    ("!If [Nope, a, b]", "6:17 there is no condition 'Nope'"),
    ("!If [a, b]", "6:12 Fn::If takes a list of a condition's name and two values"),
    ("!Equals [a, b]", "6:12 Fn::Equals is a condition, and can be used only in Conditions"),
    ("!Condition a", "6:12 Condition is a condition, and can be used only in Conditions"),
    ("!ImportValue x", "6:12 no stack exports 'x'"),
    ("!ImportValue {Ref: k}", "6:12 the name of an import cannot depend on a resource"),
    ("!FindInMap [M, a, b]", "6:24 there is no mapping 'M'"),
    ("!Base64 [a]", "6:12 the argument of Fn::Base64 must be text, not a list"),
  ])
  func functions(value: String, expected: String) throws {
    let found = try problem(outputTemplate(value))
    #expect(found == expected)
  }

  @Test(
    arguments: [
      ("C: !Equals [a]", "2:6 Fn::Equals takes a list of two values"),
      ("C: !Equals [a, [b]]", "2:18 an argument of Fn::Equals must be text, not a list"),
      ("C: !And [!Condition C2]", "2:6 Fn::And takes a list of 2 to 10 conditions"),
      ("C: !Condition D", "2:6 there is no condition 'D'"),
      ("C: true", "2:6 a condition must be one of Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition"),
      ("C: !Ref p", "2:6 Ref is not a condition"),
      ("C: !Equals [!Ref k, a]", "2:15 a condition cannot depend on a resource"),
      ("C: !Equals [!If [C, a, b], a]", "2:15 Fn::If cannot be used in Conditions"),
      ("C: !Equals [!ImportValue a, a]", "2:15 Fn::ImportValue cannot be used in Conditions"),
      (
        "A: !Not [!Condition B]\n  B: !Not [!Condition C]\n  C: !Not [!Condition A]",
        "2:6 conditions depend on each other: A -> B -> C -> A"
      ),
      ("A: !Not [{Condition: A}]", "2:6 conditions depend on each other: A -> A"),
    ])
  func conditions(text: String, expected: String) throws {
    let template = "Conditions:\n  \(text)\n" + Self.resource
    let found = try problem(template)
    #expect(found == expected)
  }

  @Test(arguments: [
    ("[M, x, b]", "7:27 mapping 'M' has no key 'x'"),
    ("[M, a, x]", "7:30 'a' of mapping 'M' has no key 'x'"),
    ("[!Ref AWS::Region, a, b]", "7:24 there is no mapping 'local'"),
    ("[M, a]", "7:12 Fn::FindInMap takes a list of a mapping's name and two keys"),
  ])
  func findInMap(arguments: String, expected: String) throws {
    let text = outputTemplate("!FindInMap \(arguments)", before: "Mappings: {M: {a: {b: c}}}\n")
    let found = try problem(text)
    #expect(found == expected)
  }

  @Test(arguments: [
    ("{a: b}", "1:19 'a' of mapping 'M' must be a mapping, not text"),
    ("{a: {b: {c: d}}}", "1:23 'a', 'b' of mapping 'M' must be text, not a mapping"),
    ("{a: {b: !Ref k}}", "1:23 'a', 'b' of mapping 'M' must be text, not Ref"),
    ("{a: {b: [[c]]}}", "1:24 an item of 'a', 'b' of mapping 'M' must be text, not a list"),
  ])
  func mappingsHoldFixedValues(mapping: String, expected: String) throws {
    let found = try problem("Mappings: {M: \(mapping)}\n\(Self.resource)")
    #expect(found == expected)
  }

  @Test(arguments: [
    ("Resources", 500, "Type: 'AWS::KMS::Key'"), ("Parameters", 200, "Type: String, Default: a"),
    ("Mappings", 200, "a: {b: c}"), ("Outputs", 200, "Value: a"),
  ])
  func quotas(section: String, limit: Int, item: String) throws {
    func text(_ count: Int) -> String {
      "\(section):\n" + (1...count).map { "  x\($0): {\(item)}\n" }.joined()
        + (section == "Resources" ? "" : Self.resource)
    }
    #expect(try problem(text(limit)) == "fine")
    #expect(
      try problem(text(limit + 1))
        == "\(limit + 2):3 a template has at most \(limit) \(section), this one has \(limit + 1)")
  }

  @Test func dependencyCyclesAreNamed() throws {
    let text = """
      Resources:
        d: {Type: 'AWS::KMS::Key', DependsOn: a}
        a: {Type: 'AWS::KMS::Key', Properties: {Description: !Ref b}}
        b: {Type: 'AWS::KMS::Key', DependsOn: c}
        c: {Type: 'AWS::KMS::Key', Properties: {Description: !Sub "${a.Arn}"}}
      """
    #expect(try problem(text) == "3:3 resources depend on each other: a -> b -> c -> a")
    let own = keyTemplate("KeyPolicy: {Resource: !GetAtt k.Arn}")
    #expect(try problem(own) == "2:3 resources depend on each other: k -> k")
    // A branch that is not chosen is not evaluated.
    let broken =
      "Conditions: {No: !Equals [a, b]}\n" + keyTemplate("Description: !If [No, !Ref k, x]")
    #expect(try problem(broken) == "fine")
  }

  @Test func resourcesThatAreNotMadeCannotBeReferredTo() throws {
    let text = """
      Conditions: {No: !Equals [a, b]}
      Resources:
        a: {Type: 'AWS::KMS::Key', Condition: No}
        b: {Type: 'AWS::KMS::Key', DependsOn: a}
      """
    #expect(try problem(text) == "fine")
    #expect(
      try problem(text + "\nOutputs: {o: {Value: !Ref a}}")
        == "5:22 resource 'a' is not created: its condition 'No' is false")
  }

  @Test(arguments: [
    ("!Ref bucket", "4:22 'bucket' is of the type AWS::S3::Bucket, which is skipped"),
    ("!GetAtt bucket.Arn", "4:22 'bucket' is of the type AWS::S3::Bucket, which is skipped"),
    ("!Sub '${bucket.Arn}'", "4:22 'bucket' is of the type AWS::S3::Bucket, which is skipped"),
  ])
  func whatIsPassedOverCannotBeReferredTo(value: String, expected: String) throws {
    let text = """
      Resources:
        bucket: {Type: 'AWS::S3::Bucket'}
        k: {Type: 'AWS::KMS::Key'}
      Outputs: {o: {Value: \(value)}}
      """
    let found = try problem(text, skippingUnsupported: true)
    #expect(found == expected)
  }

  @Test(arguments: ["", "1a", "a_b", "a b", String(repeating: "a", count: 129)])
  func stackNames(name: String) throws {
    #expect(throws: TemplateError.self) { try StackName.validate(name) }
    try StackName.validate("a-1")
  }
}
