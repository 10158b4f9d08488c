"""Runs `envcrypt kms` according to botocore's model of the KMS API: checks requests against the shapes of requests
and responses against the shapes of responses. Takes envcrypt from PATH."""
import base64, collections, datetime, json, re, subprocess
import botocore, botocore.loaders, botocore.model, botocore.validate

MODEL = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("kms", "service-2"))
# Parts of the model that envcrypt does not have. Any other difference is an error.
NO_INPUT = {("Decrypt", "DryRunModifiers"), ("ReEncrypt", "DryRunModifiers"), ("ListKeys", "ResourceOwners"),
            # AWS services as principals.
            ("CreateGrant", "GranteeServicePrincipal"), ("CreateGrant", "RetiringServicePrincipal"),
            ("ListGrants", "GranteeServicePrincipal"), ("ListRetirableGrants", "RetiringServicePrincipal")}
# Required by envcrypt, because without a ciphertext only DryRunModifiers would make sense. Only in the model can a
# service take the place of the principal.
REQUIRED = {("Decrypt", "CiphertextBlob"), ("ReEncrypt", "CiphertextBlob"),
            ("CreateGrant", "GranteePrincipal"), ("ListRetirableGrants", "RetiringPrincipal")}
NO_VALUE = {"ML_KEM_512", "ML_KEM_768", "ML_KEM_1024", "ENCAPSULATE_DECAPSULATE", "Encapsulate", "Decapsulate"}
# Values that are read, and refused by name, but not listed in the help: it lists what works.
NOT_LISTED = {
    "SM2", "SM2DSA", "SM2PKE", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_DSA_SHAKE_256", "EXTERNAL_MU",
    "ED25519_PH_SHA_512", "RSAES_PKCS1_V1_5",
}
# CustomerMasterKeySpec ends before this value. envcrypt reads both options in the same way.
OLD_NAME_VALUES = {"ECC_NIST_EDWARDS25519"}
NO_OUTPUT = {
    "CiphertextForRecipient",  # enclaves
    "CloudHsmClusterId", "CustomKeyStoreId", "XksKeyConfiguration",  # custom key stores
    "EncapsulationAlgorithms",  # ML-KEM
    "MultiRegionConfiguration", "PendingDeletionWindowInDays",  # multi-Region keys
    "GranteeServicePrincipal", "RetiringServicePrincipal", "SourceArn",  # AWS services
    "OnDemandRotationStartDate",  # only during a rotation, which is immediate here
}
# A key has one policy.
ONE_PAGE = {"ListKeyPoliciesResponse": {"NextMarker"}}
# Errors that operations return although the model does not list them.
UNLISTED = {
    # From "Common Errors" of the API reference. An alias of the managed key is a key like any other.
    "AccessDeniedException": {
        "CancelKeyDeletion", "CreateGrant", "DisableKey", "DisableKeyRotation", "EnableKey", "EnableKeyRotation",
        "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource", "UntagResource",
        "UpdateKeyDescription"},
    "ValidationException": {"CreateGrant", "CreateKey", "GenerateDataKey", "Sign"},
    "InvalidMarkerException": {"ListKeyPolicies"},
    # The model lists it for operations that describe or change keys. A malformed ARN is possible wherever a key is
    # named.
    "InvalidArnException": {
        "CreateAlias", "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt", "Sign",
        "UpdateAlias", "Verify", "VerifyMac"},
    "InvalidGrantTokenException": {"DescribeKey"},
    # Missing in our libcrypto: ED25519_PH_SHA_512.
    "UnsupportedOperationException": {"Sign"},
}

exercised, errors, seen = collections.Counter(), collections.defaultdict(set), collections.defaultdict(set)
forms, samples = collections.Counter(), {}


def run(*arguments):
    return subprocess.run(["envcrypt", *arguments], capture_output=True, text=True)


def option(name):
    return botocore.xform_name(name, "-")


def plain(shape, value):
    """Returns the value in its JSON form."""
    if shape.type_name == "structure":
        return {name: plain(shape.members[name], inner) for name, inner in value.items()}
    if shape.type_name == "list":
        return [plain(shape.member, inner) for inner in value]
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value.isoformat() if shape.type_name == "timestamp" else value


def words(name, shape, value, form):
    """Returns an option and its value as for the AWS CLI: JSON, or shorthand and files."""
    if shape.type_name == "boolean":
        return [f"--{'' if value else 'no-'}{option(name)}"]
    if shape.type_name == "blob" and form == "files":
        with open(name, "wb") as file:
            file.write(value)
        return [f"--{option(name)}", f"fileb://{name}"]
    value = plain(shape, value)
    if shape.type_name == "list" and form == "files":
        values = [inner if isinstance(inner, str) else ",".join(f"{k}={v}" for k, v in inner.items()) for inner in value]
    elif shape.type_name == "map" and form == "files" and all(k.isascii() for k in value):  # required by shorthand
        values = [",".join(f"{k}={v}" for k, v in value.items())]
    else:
        values = [value if isinstance(value, str) else json.dumps(value)]
    return [f"--{option(name)}", *values]


def request(operation, parameters, form):
    shape = MODEL.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), (operation, report.generate_report())
    if form == "cli-input-json":
        return run("kms", option(operation), "--cli-input-json", json.dumps(plain(shape, parameters)))
    options = [words(name, shape.members[name], value, form) for name, value in parameters.items()]
    return run("kms", option(operation), *(word for option in options for word in option))


def check(shape, value, path):
    """Checks the value against the shape and returns it as a Python value."""
    limits, kind = shape.metadata, shape.type_name
    if kind == "structure":
        assert isinstance(value, dict), path
        assert value.keys() <= shape.members.keys(), (path, "unknown", value.keys() - shape.members.keys())
        assert value.keys() >= set(shape.required_members), (path, "missing", set(shape.required_members) - value.keys())
        seen[shape.name] |= value.keys()
        return {name: check(shape.members[name], inner, f"{path}.{name}") for name, inner in value.items()}
    if kind == "list":
        assert isinstance(value, list), path
        return [check(shape.member, inner, path) for inner in value]
    if kind == "map":
        return {check(shape.key, name, path): check(shape.value, inner, path) for name, inner in value.items()}
    if kind == "boolean":
        assert isinstance(value, bool), (path, value)
        return value
    if kind == "integer":
        assert type(value) is int and limits.get("min", value) <= value <= limits.get("max", value), (path, value)
        return value
    assert kind in ("string", "blob", "timestamp") and isinstance(value, str), (path, value)
    if kind == "timestamp":
        date, now = datetime.datetime.fromisoformat(value), datetime.datetime.now(datetime.timezone.utc)
        assert date.tzinfo and abs(date - now) < datetime.timedelta(days=400), (path, value)
        return date
    if kind == "blob":
        value = base64.b64decode(value, validate=True)
    assert limits.get("min", 0) <= len(value) <= limits.get("max", len(value)), (path, value)
    assert value in getattr(shape, "enum", []) or not getattr(shape, "enum", []), (path, value)
    assert "pattern" not in limits or re.search(limits["pattern"], value), (path, value)
    return value


def refusal(operation, result):
    """Returns the name of the error with which the operation failed. `check_coverage` checks at the end if the model
    has it."""
    found = re.match(r"envcrypt: error: (\w+): ", result.stderr)
    assert found and result.returncode and not result.stdout, (operation, result)
    errors[found[1]].add(operation)
    return found[1]


def refused(operation, error, form="files", **parameters):
    found = refusal(operation, request(operation, parameters, form))
    assert found == error, (operation, parameters, error, found)


def call(operation, **parameters):
    """Returns the checked response. The forms of a request alternate. Before the first request of an operation,
    tests the errors that every operation with such members must return."""
    model = MODEL.operation_model(operation)
    members = model.input_shape.members
    if operation not in exercised:
        if "GrantTokens" in members:
            refused(operation, "InvalidGrantTokenException", **(parameters | {"GrantTokens": ["token"]}))
        if "Marker" in members:
            refused(operation, "InvalidMarkerException", **(parameters | {"Marker": "?"}))
        for name in {"KeyId", "TargetKeyId", "DestinationKeyId", "SourceKeyId"} & parameters.keys():
            refused(operation, "NotFoundException", **(parameters | {name: "alias/nobody"}))
            refused(operation, "InvalidArnException", **(parameters | {name: "arn:aws:kms:local"}))
        if "DryRun" in members:
            refused(operation, "DryRunOperationException", form="cli-input-json", **parameters, DryRun=True)
        samples[operation] = parameters
    exercised[operation] += 1
    form = ("files", "json", "cli-input-json")[exercised[operation] % 3]
    result = request(operation, parameters, form)
    assert result.returncode == 0 and not result.stderr, (operation, parameters, form, result)
    forms[form] += 1
    if model.output_shape is None:
        assert not result.stdout, (operation, result)
        return None
    return check(model.output_shape, json.loads(result.stdout), operation)


def pages(operation, member, whole, **parameters):
    """Returns all pages, which together must be equal to the output without a limit."""
    items, marker = [], {}
    while True:
        answer = call(operation, **parameters, Limit=2, **marker)
        items += answer[member]
        assert answer["Truncated"] == ("NextMarker" in answer) and 0 < len(answer[member]) <= 2
        if not answer["Truncated"]:
            break
        marker = {"Marker": answer["NextMarker"]}
    everything = call(operation, **parameters)
    assert everything[member] == items and everything.keys() == {member} and len(items) == whole, (operation, items)
    return items


def supported():
    """Returns the operations that `kms help` lists. The other operations of the model must be refused by name."""
    commands = set(re.findall(r"^  (\S+)$", run("kms", "help").stdout, re.M))
    names = {option(name): name for name in MODEL.operation_names}
    assert commands <= names.keys() and len(commands) >= 46, commands - names.keys()
    for name in names.keys() - commands:
        result = run("kms", name)
        assert result.returncode == 69 and "UnsupportedOperationException" in result.stderr, (name, result)
    return {names[name] for name in commands}


def check_options(operation):
    """Checks that `kms OPERATION help` shows the members of the request, the required ones, and their values."""
    text = run("kms", option(operation), "help").stdout
    shape = MODEL.operation_model(operation).input_shape
    members = {option(member): member for member in shape.members if (operation, member) not in NO_INPUT}
    shown = dict(re.findall(r"^  --([a-z-]+) ([^\n]*\n(?:      [^\n]*\n)*)", text, re.M))
    ours = shown.keys() - {"cli-input-json", "cli-binary-format"}
    assert ours == members.keys(), (operation, ours ^ members.keys())
    for ours, member in members.items():
        required = member in shape.required_members or (operation, member) in REQUIRED
        assert required == ("(required)" in shown[ours]), (operation, member)
        inner = shape.members[member]
        values = set(re.findall(r"\w+", shown[ours].partition("\n")[2]))
        wanted = set(getattr(getattr(inner, "member", inner), "enum", [])) - NO_VALUE - NOT_LISTED
        wanted |= OLD_NAME_VALUES if member == "CustomerMasterKeySpec" else set()
        # Origins are parsed as text, so that the error for those of custom key stores can give the reason.
        assert values == (set() if member == "Origin" else wanted), (operation, member, values ^ wanted)


def check_coverage(operations):
    """Checks that all operations, forms of a request and members of responses occurred, and no errors except those
    of the model."""
    assert exercised.keys() == operations, operations ^ exercised.keys()
    assert len(forms) == 3, forms
    for name in exercised:
        shape = MODEL.operation_model(name).output_shape
        todo = [shape] if shape else []
        while todo:
            shape = todo.pop()
            if shape.type_name == "list":
                todo.append(shape.member)
            if shape.type_name == "structure":
                unseen = shape.members.keys() - seen[shape.name] - ONE_PAGE.get(shape.name, set())
                assert unseen <= NO_OUTPUT, (shape.name, unseen)
                todo += [inner for member, inner in shape.members.items() if member not in NO_OUTPUT]
    # The checks in `call` have run.
    for member, error in (("GrantTokens", "InvalidGrantTokenException"), ("DryRun", "DryRunOperationException"),
                          ("Marker", "InvalidMarkerException")):
        wanted = {name for name in exercised if member in MODEL.operation_model(name).input_shape.members}
        assert errors[error] == wanted, (error, errors[error] ^ wanted)
    unlisted = collections.defaultdict(set)
    for error, names in errors.items():
        for name in names:
            if error not in {shape.name for shape in MODEL.operation_model(name).error_shapes}:
                unlisted[error].add(name)
    assert unlisted == UNLISTED, dict(unlisted)
    print(sum(exercised.values()), "answers of", len(exercised), "operations,", sum(map(len, errors.values())),
          "kinds of refusal, requests as", dict(forms))
