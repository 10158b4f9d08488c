# A PEM file may contain several keys. All of them are used, and none is skipped silently.
umask 077
echo letter > a
key() { openssl genpkey -quiet -algorithm "$1" -pkeyopt "$2" -out "$3.key" 2>/dev/null; openssl pkey -in "$3.key" -pubout -out "$3.pub"; }
key RSA rsa_keygen_bits:2048 ann; key EC ec_paramgen_curve:P-256 bob; key EC ec_paramgen_curve:P-521 eve
keys() { envcrypt inspect --json "$1" | json 'len(j["Messages"][0]["EncryptedDataKeys"])'; }
opens() { envcrypt decrypt --keystore none.db --keyring "$1" "$2" -o - | cmp - a; }

# Everybody in the file can open the message, whatever the order of the keys and the other contents are.
cat ann.pub bob.pub > both.pub
envcrypt encrypt -r both.pub a -o m
[ "$(keys m)" = 2 ]; opens ann.key m; opens bob.key m
{ echo 'for Ann and Bob'; echo '# ----- Ann -----'; cat ann.pub; echo; echo 'Bag Attributes'; printf '    localKeyID: 01 02\r\n'; cat bob.pub
  echo '# the end'; } > text.pub
sed 's/$/\r/' both.pub > crlf.pub
printf '\xef\xbb\xbf' | cat - both.pub > mark.pub
printf '%s' "$(cat both.pub)" > unended.pub
openssl ecparam -name P-521 > parameters.pub; cat eve.pub both.pub >> parameters.pub
for file in text crlf mark unended parameters; do
  envcrypt encrypt -f -r $file.pub a -o m; opens ann.key m; opens bob.key m
done
[ "$(keys m)" = 3 ]; opens eve.key m
# The form that preceded SubjectPublicKeyInfo.
openssl rsa -in ann.key -RSAPublicKey_out -out old.pub 2>/dev/null
cat bob.pub >> old.pub; envcrypt encrypt -f -r old.pub a -o m; opens ann.key m; opens bob.key m
envcrypt encrypt -o moved -k alias/default a; envcrypt reencrypt -r both.pub moved; opens ann.key moved; opens bob.key moved
# The same key counts once, in one file, in several files and in any form.
openssl ec -in bob.key -pubout -conv_form compressed -out short.pub 2>/dev/null
cat both.pub both.pub short.pub > twice.pub
envcrypt encrypt -f -r twice.pub -r ann.pub -k alias/default -k alias/default a -o m; [ "$(keys m)" = 3 ]

# All private keys of a keyring file open messages.
cat ann.key bob.key > both.key
envcrypt encrypt -f -r ann.pub a -o for-ann; envcrypt encrypt -f -r bob.pub a -o for-bob
opens both.key for-ann; opens both.key for-bob
# Also with certificates, parameters, text, and public keys, which are recipients too.
openssl req -x509 -key ann.key -subj /CN=Ann -days 9 -out ann.crt 2>/dev/null
openssl pkcs12 -export -inkey bob.key -nocerts -passout pass: 2>/dev/null | openssl pkcs12 -passin pass: -noenc 2>/dev/null > bag.key || cp bob.key bag.key
{ cat ann.crt ann.key; openssl ecparam -name prime256v1; openssl ec -in bob.key 2>/dev/null; cat bag.key ann.pub eve.pub
  openssl pkey -in ann.key -noout -text; } > all.key
opens all.key for-ann; opens all.key for-bob
envcrypt encrypt -f --keyring all.key a -o m; [ "$(keys m)" = 3 ]; opens eve.key m
[ "$(envcrypt encrypt --keyring ann.pub a -o - | envcrypt decrypt --keystore none.db --keyring ann.key)" = letter ]
envcrypt init -q --protector none --keystore both.db
[ "$(envcrypt key import both.key --keystore both.db 2>/dev/null | wc -l)" = 2 ]
fails 64 envcrypt key import both.key --alias alias/both; says 'both.key has 2 keys'
envcrypt key import ann.key >/dev/null

# A block that is not the key of a recipient is named with its position, and nothing is encrypted.
refused() { local file=$1; shift; fails 78 envcrypt encrypt -r "$file" a -o out; for text; do says "$text"; done; absent out; }
cat bob.pub ann.key > x; refused x 'x: ' 'block 2 (PRIVATE KEY) is a private key' 'openssl pkey'
{ cat bob.pub; sed 's/ CERTIFICATE/& REQUEST/' ann.crt; } > x; refused x 'block 2 (CERTIFICATE REQUEST)' 'openssl req'
{ cat bob.pub; sed 's/PUBLIC KEY/PGP PUBLIC KEY BLOCK/' ann.pub; } > x; refused x 'block 2 (PGP PUBLIC KEY BLOCK)'
{ cat bob.pub; openssl dsaparam 1024 2>/dev/null; } > x; refused x 'block 2 (DSA PARAMETERS)'
{ cat bob.pub; head -n 4 ann.pub; } > x; refused x 'block 2 (PUBLIC KEY) is cut off'
{ head -n 4 ann.pub; cat bob.pub; } > x; refused x 'block 1 (PUBLIC KEY) has no END line'
{ cat bob.pub; sed 2d ann.pub; } > x; refused x 'block 2 (PUBLIC KEY): not a DER'
{ cat bob.pub; sed '2s/^..../:-) /' ann.pub; } > x; refused x 'block 2 (PUBLIC KEY)'
{ cat bob.pub; sed 1d ann.pub; } > x; refused x 'looks like a part of a PEM block' 'after block 1 (PUBLIC KEY)'
{ cat bob.pub; sed '1s/-----/----/' ann.pub; } > x; refused x 'line 5 looks like a part of a PEM block'
{ sed '1s/-----/—/' ann.pub; cat bob.pub; } > x; refused x 'line 1 looks like a part of a PEM block'
{ cat bob.pub; echo garbage; } > x; refused x 'line 5 is neither a public key nor a comment'
{ cat bob.pub; printf 'gar\0bage\n'; cat ann.pub; } > x; refused x 'line 5 is not text'
iconv -t UTF-16 both.pub > x; refused x 'is not text'
echo 'no key' > x; refused x 'not a public key or certificate'
: > x; refused x 'not a public key or certificate'
openssl ecparam -name P-256 > x; refused x 'not a public key or certificate'
openssl genpkey -algorithm ED25519 -out ed.key; { cat bob.pub; openssl pkey -in ed.key -pubout; } > x
refused x 'a key for ED25519, neither RSA nor elliptic-curve'

refused() { local file=$1; shift; fails 78 envcrypt decrypt --keyring "$file" for-ann -o out; for text; do says "$text"; done; absent out; }
openssl pkey -in bob.key -aes256 -passout pass:secret -out locked.key
cat ann.key locked.key > x; refused x 'block 2 (ENCRYPTED PRIVATE KEY) is not an unencrypted PEM private key'
openssl rsa -in ann.key -traditional -aes256 -passout pass:secret -out locked.key 2>/dev/null
cat bob.key locked.key > x; refused x 'block 2 (RSA PRIVATE KEY) is not an unencrypted PEM private key'
{ cat ann.key; sed 's/PRIVATE KEY/OPENSSH PRIVATE KEY/' bob.key; } > x; refused x 'block 2 (OPENSSH PRIVATE KEY)'
{ cat ann.key; head -n 2 bob.key; } > x; refused x 'block 2 (PRIVATE KEY) is cut off'
{ cat ann.key; sed 1d bob.key; } > x; refused x 'looks like a part of a PEM block'
cp ann.crt x; refused x 'not an unencrypted PEM private key'
# An entry of a keyring file in JSON is one key.
python3 - <<'P'
import json
entry = {"provider-id": "p", "key-id": "k", "algorithm": "rsa", "type": "private", "bits": 2048, "encoding": "pem",
         "padding-algorithm": "oaep-mgf1", "padding-hash": "sha256", "material": open("both.key").read()}
json.dump({"keys": [entry]}, open("x", "w"))
P
refused x "key 'k': expected one PEM block, not 2"

# Numbers that are not a valid public key: with an exponent of 1 the header would contain the data key in plaintext.
cat > numbers.py <<'P'
import base64, re, subprocess, sys
def read(at): return int.from_bytes(at, "big")
der = base64.b64decode("".join(open("ann.pub").read().split("\n")[1:-2]))
def length(count): return bytes([count]) if count < 128 else bytes([0x80 | (count.bit_length() + 7) // 8]) + count.to_bytes((count.bit_length() + 7) // 8, "big")
def tlv(tag, body): return bytes([tag]) + length(len(body)) + body
def integer(value): return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))
text = subprocess.run(["openssl", "rsa", "-pubin", "-in", "ann.pub", "-noout", "-modulus"], capture_output=True, text=True, check=True).stdout
modulus = int(text.strip().split("=")[1], 16)
def write(name, n, e):
    key = tlv(0x30, tlv(0x30, bytes.fromhex("06092a864886f70d0101010500")) + tlv(3, b"\0" + tlv(0x30, integer(n) + integer(e))))
    body = base64.b64encode(key).decode()
    open(name, "w").write("-----BEGIN PUBLIC KEY-----\n" + "\n".join(body[i:i + 64] for i in range(0, len(body), 64)) + "\n-----END PUBLIC KEY-----\n")
write("same.pub", modulus, 65537); write("one.pub", modulus, 1); write("even.pub", modulus, 65536); write("zero.pub", modulus, 0)
write("even-modulus.pub", modulus - 1, 65537); write("thrice.pub", 3 * (modulus // 6 * 2 + 1), 65537)
write("prime.pub", 2 ** 2203 - 1, 65537); write("short.pub", modulus >> 1100, 65537)
P
python3 numbers.py
cmp same.pub ann.pub
for file in one even zero even-modulus thrice prime short; do
  fails 78 envcrypt encrypt -r $file.pub a -o out; absent out
  cat bob.pub $file.pub > x; fails 78 envcrypt encrypt -r x a -o out; says 'block 2 (PUBLIC KEY): '; absent out
  python3 - $file.pub > x <<'P'
import json, sys
print(json.dumps({"keys": [{"provider-id": "p", "key-id": "k", "algorithm": "rsa", "type": "public", "encoding": "pem",
    "padding-algorithm": "oaep-mgf1", "padding-hash": "sha256", "material": open(sys.argv[1]).read()}]}))
P
  fails 78 envcrypt encrypt --keyring x a -o out; says "key 'k'"; absent out
done
fails 78 envcrypt encrypt -r one.pub a -o out; says 'not a valid RSA public key'
