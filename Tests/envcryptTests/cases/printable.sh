# Text from outside is never printed in a way that moves the cursor or changes the direction of a line: C0, DEL, C1,
# line separators and bidirectional controls are escaped, wherever the text comes from.
evil=$'x\e[2J\x07\x7f\xc2\x9b1m\xe2\x80\xae\xe2\x80\x8f\xd8\x9c\xe2\x81\xa6\xe2\x80\xa8y'

# shows WHAT COMMAND...: the whole output is harmless, and it contains the hostile text, escaped.
shows() {
  local wanted=$1
  shift
  "$@" >printed 2>&1 </dev/null || true
  python3 - "$wanted" "$*" <<'P'
import sys, unicodedata
text = open("printed", "rb").read().decode()
bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"}
assert not bad, f"{sys.argv[2]!r} prints {bad!r}: {text!r}"
assert sys.argv[1] in text, f"{sys.argv[2]!r} does not print {sys.argv[1]!r}: {text!r}"
P
}
spelt='x\u{1b}[2J\u{7}\u{7f}\u{9b}1m\u{202e}\u{200f}\u{61c}\u{2066}\u{2028}y'
json='x\u001b[2J\u0007\u007f\u009b1m\u202e\u200f\u061c\u2066\u2028y'

# Tests that the check itself can fail.
! (shows x printf '%s' "$evil") 2>/dev/null || exit 1
! (shows nothing echo something) 2>/dev/null || exit 1

# File names, in errors and reports.
shows "$spelt" envcrypt encrypt "$evil"
shows "$spelt" envcrypt decrypt "$evil.envc"
shows "$spelt" envcrypt inspect "$evil"
shows "$spelt" envcrypt encrypt -r "$evil" -o out
shows "$spelt" envcrypt encrypt --keyring "$evil" -o out
shows "$spelt" envcrypt key import "$evil"
echo text >"$evil"
shows "$spelt" envcrypt encrypt "$evil" -o "$evil"
envcrypt encrypt "$evil"
shows "$spelt" envcrypt encrypt "$evil"
shows "$spelt" envcrypt verify "$evil.envc"
shows "$spelt" envcrypt inspect "$evil.envc"
shows "${spelt//\\/\\\\}" envcrypt inspect --json "$evil.envc"
shows "$spelt" envcrypt reencrypt --dry-run -k "$(envcrypt key create)" "$evil.envc"
mkdir "d$evil"
echo text >"d$evil/$evil"
: > "no$evil"; shows "$spelt" envcrypt encrypt -R "d$evil" -o "no$evil"
shows "$spelt" envcrypt verify -R "d$evil" "$evil" "$evil"

# The encryption context, in reports, in errors, in the audit log.
echo text | envcrypt encrypt -c "k$evil=v$evil" -o context
shows "k$spelt = v$spelt" envcrypt inspect context
shows "\"k$json\": \"v$json\"" envcrypt inspect --json context
envcrypt inspect --json context | python3 -c 'import json,sys
context = json.load(sys.stdin)["Messages"][0]["EncryptionContext"]
assert context["k" + sys.argv[1]] == "v" + sys.argv[1]' "$evil"
shows "$spelt" envcrypt decrypt context -c "k$evil=other$evil" -o plain
shows "$spelt" envcrypt decrypt context -c "other$evil=x" -o plain
shows "$spelt" envcrypt encrypt -c "$evil" -o out
shows "$spelt" envcrypt encrypt -c "$evil=1" -c "$evil=2" -o out
shows "$spelt" envcrypt encrypt -c "aws-crypto-$evil=1" -o out
shows "k$spelt=v$spelt" envcrypt keystore audit
shows "k$json" envcrypt keystore audit --json

# Names and descriptions of keys.
key=$(envcrypt key create --description "$evil")
shows "$spelt" envcrypt key list
shows "$spelt" envcrypt key describe "$key"
shows "$json" envcrypt key describe --json "$key"
shows "$json" envcrypt kms describe-key --key-id "$key"
shows "$spelt" envcrypt key describe "$evil"
shows "$spelt" envcrypt encrypt -k "alias/$evil" -o out
shows "$spelt" envcrypt alias create "alias/$evil" "$key"
shows "$spelt" envcrypt alias list "$evil"
shows "$spelt" envcrypt key tag "$key" "$evil"
shows "$spelt" envcrypt keystore audit --since "$evil"

# Providers and key names of messages and keyring files.
python3 - "$evil" <<'P'
import json, sys
entry = {"provider-id": "p" + sys.argv[1], "key-id": "k" + sys.argv[1], "algorithm": "aes",
  "type": "symmetric", "bits": 256, "encoding": "base64", "material": "A" * 43 + "="}
json.dump({"keys": [entry]}, open("theirs.json", "w"))
json.dump({"keys": [dict(entry, bits=128)]}, open("broken.json", "w"))
json.dump({"keys": {sys.argv[1]: dict(entry, type=1)}}, open("odd.json", "w"))
P
umask 077; chmod 600 *.json
echo text | envcrypt encrypt --keyring theirs.json -o theirs
shows "p$spelt k$spelt" envcrypt inspect theirs
shows "\"p$json\"" envcrypt inspect --json theirs
shows "p$spelt k$spelt" envcrypt decrypt theirs -o plain
shows "k$spelt" envcrypt encrypt --keyring broken.json -o out
shows "$spelt" envcrypt encrypt --keyring odd.json -o out

# Keystores and protectors.
shows "$spelt" envcrypt key list --keystore "no$evil"
shows "$spelt" envcrypt keystore status --keystore "$evil"
shows "$spelt" envcrypt init --protector "$evil" --keystore other.db
shows "$spelt" envcrypt init --protector none --keystore "$evil.db"
shows "$spelt" envcrypt keystore status --keystore "$evil.db"
envcrypt keystore protector add "key-file:$evil.key" >/dev/null
shows "$spelt" envcrypt keystore protector list
shows "$json" envcrypt keystore protector list --json
shows "$spelt" envcrypt keystore status
shows "$spelt" envcrypt keystore protector remove "$evil"
shows "$spelt" env ENVCRYPT_KEYSTORE="$PWD/$evil" envcrypt key list

# Invalid arguments: those that the parser repeats, and those that we repeat.
shows "$spelt" envcrypt "$evil"
shows "$spelt" envcrypt "--$evil"
shows "$spelt" envcrypt encrypt "--$evil"
shows "$spelt" envcrypt encrypt --frame-length "$evil"
shows "$spelt" envcrypt key create --spec "$evil"
shows "$spelt" envcrypt key list "$evil"
shows "$spelt" envcrypt decrypt --commitment-policy "$evil" x
shows "$spelt" envcrypt kms "$evil"
shows "$spelt" envcrypt kms create-key "--$evil"
shows "$spelt" envcrypt kms create-key "$evil"
shows "$spelt" envcrypt kms create-key --key-spec "$evil"
shows "\u{1b}" envcrypt kms create-key --tags "TagKey=a,b$evil=c"
shows "$spelt" envcrypt kms describe-key --key-id "$evil"
shows "$spelt" envcrypt kms list-keys --marker "$evil"
shows "$spelt" envcrypt kms encrypt --key-id alias/default --plaintext "fileb://$evil-none"

# Text in armor.
printf -- '-----BEGIN %s-----\n%s\n' "$evil" "$evil" >armored
shows 'armor' envcrypt inspect armored
printf -- '-----BEGIN AWS ENCRYPTION SDK MESSAGE-----\n%s\n' "$evil" >armored
shows 'envcrypt: error' envcrypt decrypt armored -o plain
