# Invalid arguments of kms: the error names the expected and the actual value.
wrong() { fails 64 envcrypt kms "$@"; }
wrong encrypt; says 'required: --key-id, --plaintext'
wrong encrypt --key-id alias/default --plaintext '?'; says '--plaintext: the value is not base64'; says 'fileb://'
wrong encrypt --key alias/default; says 'unknown option --key'; says 'did you mean --key-id?'
wrong encrypt text; says "unexpected argument 'text'"
wrong describe-key --key-id; says '--key-id needs a value'
wrong describe-key --key-id a b; says "unexpected argument 'b'"
wrong create-key --multi-region yes; says '--multi-region takes no value'
wrong create-key --multi-region --no-multi-region; says 'cannot be used together'
wrong create-key --tags TagKey=a,Value=b; says "unknown member 'Value'"; says 'TagValue'
wrong create-key --tags TagKey=a; says 'TagValue is missing'
wrong create-key --key-spec RSA_1024; says "'RSA_1024' is not one of SYMMETRIC_DEFAULT, RSA_2048"
wrong list-keys --limit many; says "'many' is not a whole number"
wrong list-keys --query Keys; says '--query is not supported'; says jq
wrong list-keys --output table; says JSON
wrong create-key --cli-input-json '{"Nonsense": 1}'; says "unknown member 'Nonsense'"
wrong create-key --cli-input-json '{'; says 'not JSON'
fails 66 envcrypt kms create-key --description file://missing
wrong list-keys --passphrase-fd x; says 'not a number'

# JSON has the layout of the AWS CLI, for scripts that search for a member with grep. It once had `"KeyId" : "` instead
# of `"KeyId": "`. Python writes the same bytes for the same value, including empty lists and quotes in strings.
laid_out() {
    "$@" > shown
    python3 -c 'import json; print(json.dumps(json.load(open("shown")), indent=4, ensure_ascii=False))' > wanted
    cmp shown wanted
}
envcrypt kms create-key --description 'a "quoted", {braced}: [text] \ with é' > made
key=$(sed -n 's/^        "KeyId": "\([^"]*\)".*/\1/p' made)
laid_out envcrypt kms describe-key --key-id "$key"
laid_out envcrypt kms list-resource-tags --key-id "$key"
laid_out envcrypt kms list-keys --limit 1
laid_out envcrypt key list --json
laid_out envcrypt keystore audit --json
