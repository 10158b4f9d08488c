# Recipients in every form that people have: PEM, DER, X.509 certificates, OpenSSH's lines, and lists of them.
umask 077
echo letter > a
key() { openssl genpkey -quiet -algorithm "$1" -pkeyopt "$2" -out "$3.key" 2>/dev/null; openssl pkey -in "$3.key" -pubout -out "$3.pub"; }
key RSA rsa_keygen_bits:2048 ann; key EC ec_paramgen_curve:P-256 bob; key EC ec_paramgen_curve:P-384 eve; key EC ec_paramgen_curve:P-521 kim
people='ann bob eve kim'
keys() { envcrypt inspect --json "$1" | json 'len(j["Messages"][0]["EncryptedDataKeys"])'; }
opens() { envcrypt decrypt --keystore none.db --keyring "$1" "$2" -o - | cmp - a; }
bare() { HOME=/nowhere XDG_DATA_HOME=/nowhere envcrypt "$@"; }
# ssh NAME: the public key as ssh-keygen writes it.
cat > ssh.py <<'P'
import base64, re, subprocess, sys
text = subprocess.run(["openssl", "pkey", "-pubin", "-in", sys.argv[1], "-noout", "-text"], capture_output=True, text=True, check=True).stdout
def field(data): return len(data).to_bytes(4, "big") + data
def number(value): return field(value.to_bytes(value.bit_length() // 8 + 1, "big"))
def digits(name): return bytes.fromhex(re.sub(r"[\s:]", "", re.search(name + r":\n((?: +[0-9a-f:]+\n)+)", text)[1]))
if "Modulus" in text: name, body = b"ssh-rsa", number(65537) + number(int.from_bytes(digits("Modulus"), "big"))
else:
    curve = b"nistp" + re.search(r"NIST CURVE: P-(\d+)", text)[1].encode()
    name, body = b"ecdsa-sha2-" + curve, field(curve) + field(digits("pub"))
print(name.decode(), base64.b64encode(field(name) + body).decode())
P
for name in $people; do
  openssl pkey -in $name.key -pubout -outform DER -out $name.der
  openssl req -new -x509 -key $name.key -subj "/CN=$name" -days 9 -out $name.crt 2>/dev/null
  openssl x509 -in $name.crt -outform DER -out $name.cer
  python3 ssh.py $name.pub > $name.ssh
  if command -v ssh-keygen >/dev/null; then ssh-keygen -y -f $name.key 2>/dev/null | cut -d' ' -f1,2 | cmp - $name.ssh; fi
  for form in der crt cer ssh; do
    bare encrypt -q -f -r $name.$form a -o m 2>stderr; ! grep 'warning:' stderr || exit 1; opens $name.key m
    bare encrypt -f -r - a -o m < $name.$form; opens $name.key m
  done
  # All of them are the same recipient.
  bare encrypt -f -r $name.pub -r $name.der -r $name.crt -r $name.cer -r $name.ssh a -o m; [ "$(keys m)" = 1 ]
done
# A file of several: authorized_keys with options and comments, certificates, blocks.
{ printf 'restrict,command="echo \\"a, b\\"" '; tr '\n' ' ' < ann.ssh; echo 'ann@host: THE END '; echo; echo '# Bob'; cat bob.ssh eve.crt kim.pub; } > team
bare encrypt -f -r team a -o m; [ "$(keys m)" = 4 ]; for name in $people; do opens $name.key m; done

# A list has keys and names of files, relative to it.
mkdir -p list/keys; cp bob.crt list/keys/bob.crt; cp eve.der "list/keys/Eve's key"; cp ann.pub kim.ssh list
{ echo '# who reads the backup'; cat ann.pub; echo; echo 'keys/bob.crt'; echo "  keys/Eve's key"; printf 'kim.ssh\r\n'; } > list/team
bare encrypt -f --recipients-file list/team a -o m; [ "$(keys m)" = 4 ]; for name in $people; do opens $name.key m; done
(cd list; bare encrypt -f --recipients-file team ../a -o ../m; bare encrypt -f --recipients-file - ../a -o ../m < team)
[ "$(keys m)" = 4 ]
envcrypt encrypt -f --recipients-file list/team -r team -k alias/default a -o m; [ "$(keys m)" = 5 ]
envcrypt reencrypt --recipients-file list/team m; [ "$(keys m)" = 4 ]; opens kim.key m
refused() { local file=$1; shift; fails 78 envcrypt encrypt --recipients-file "$file" a -o out; for text; do says "$text"; done; absent out; }
: > x; refused x 'x: there are no recipients in this list'; echo '# nobody' > x; refused x 'no recipients'
{ cat ann.ssh; echo ann.key; } > x; refused x 'x, line 2: ' 'ann.key: ' 'block 1 (PRIVATE KEY) is a private key'
{ cat ann.ssh; echo x; } > x; refused x 'x, line 2: ./x: ' 'line 2 is neither a public key nor a comment'
{ cat ann.ssh ann.key; } > x; refused x 'block 1 (PRIVATE KEY) is a private key'
echo team.txt > x; fails 66 envcrypt encrypt --recipients-file x a -o out; says 'x, line 1: cannot open ./team.txt'; absent out
echo - > x; fails 66 envcrypt encrypt --recipients-file x a -o out; says 'cannot open ./-'
envcrypt encrypt -f a -o x; refused x 'is a message, and not a list of recipients'

# A certificate that is not valid now is used, with a warning: a backup must not stop on such a day.
cat > old.crt <<'P'
-----BEGIN CERTIFICATE-----
MIIBCTCBsAIBAzAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlBdXRob3JpdHkwHhcN
MjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAOMQwwCgYDVQQDDANCb2IwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAARPH6ho5k93lCpcH6gD+o5LzlVx6lGmRcgF
NTyiZrj7GuTJjGyHTjAqS6YQKe+DhthjOqMONqvt/gqw+esCAztzMAoGCCqGSM49
BAMCA0gAMEUCIQC4/EOvlNLaqrPvf44f1JdDXEWHSkZ+F55+2KWTsKTf0AIgSzeW
ePTbv9BOwHX9HfwwAR67MnALMtgGYKGb4HRjCuo=
-----END CERTIFICATE-----
P
bare encrypt -q -f -r old.crt a -o m 2>stderr
says 'warning: old.crt: block 1 (CERTIFICATE): the certificate expired on 2021-01-01; its key is a recipient all the same'
cat > bob-of-old.key <<'P'
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2FXea/OP8cUeaKBu
ugP2m2NzwT0SCzeRWycelTbDTl2hRANCAARPH6ho5k93lCpcH6gD+o5LzlVx6lGm
RcgFNTyiZrj7GuTJjGyHTjAqS6YQKe+DhthjOqMONqvt/gqw+esCAztz
-----END PRIVATE KEY-----
P
opens bob-of-old.key m
# The certificate of the issuer, as in the files of servers, is not a recipient by accident.
openssl req -new -key bob.key -subj /CN=Bob -out bob.csr 2>/dev/null
openssl x509 -req -in bob.csr -CA eve.crt -CAkey eve.key -CAcreateserial -days 9 -out leaf.crt 2>/dev/null
bare encrypt -f -r leaf.crt a -o m; opens bob.key m
refused() { local file=$1; shift; fails 78 envcrypt encrypt -r "$file" a -o out; for text; do says "$text"; done; absent out; }
cat leaf.crt eve.crt > x; refused x 'block 2 (CERTIFICATE) is the certificate of the issuer of block 1 (CERTIFICATE)'
refused bob.csr 'block 1 (CERTIFICATE REQUEST)' 'openssl req -noout -pubkey'

# A private key is named as one, in every form, and its public key is not used in silence.
openssl ec -in bob.key -out sec1.pem 2>/dev/null; openssl pkcs8 -topk8 -in bob.key -passout pass:x -out locked.pem
for file in ann.key bob.key sec1.pem locked.pem; do refused $file 'block 1 (' 'is a private key, not a public key' 'hint: openssl pkey'; done
openssl pkey -in ann.key -outform DER -out x; refused x 'this is a private key'
openssl pkcs8 -topk8 -in bob.key -passout pass:x -outform DER -out x; refused x 'this is a private key'
openssl pkcs12 -export -inkey bob.key -in bob.crt -passout pass:x -out x; refused x 'this is a PKCS #12 file'
sed 's/PRIVATE KEY/OPENSSH PRIVATE KEY/' bob.key > x; refused x 'block 1 (OPENSSH PRIVATE KEY) is a private key' 'ssh-keygen -y'
fails 78 envcrypt decrypt --keystore none.db --keyring x m -o out; says "'ssh-keygen -p -m PKCS8"
# Keys that only sign, and others that do not fit, say what fits.
ed='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHglGcN7ZArCRfQQqpK0u7FUO8jp+dx015gU7Ir652cf me'
{ cat ann.ssh; echo "$ed"; } > x
refused x 'line 2 (ssh-ed25519): a key that signs but cannot decrypt' 'RSA and ECDSA keys (nistp256, nistp384, nistp521)' 'ssh-keygen -t ecdsa'
openssl genpkey -algorithm ED25519 -out ed.key; openssl req -new -x509 -key ed.key -subj /CN=Ed -out x 2>/dev/null
refused x 'block 1 (CERTIFICATE): a key for ED25519, neither RSA nor elliptic-curve'
openssl pkey -in ed.key -pubout -outform DER -out x; refused x 'a key for ED25519'
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key 2>/dev/null; openssl pkey -in weak.key -pubout -out weak.pub
python3 ssh.py weak.pub > x; refused x 'line 1 (ssh-rsa): RSA keys have 2048 to 16384 bits, this one has 1024'
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout > x; refused x 'an RSA key for RSA-PSS signatures only'
{ cat ann.ssh; echo 'host ssh-rsa'; } > x; refused x 'line 2 is neither a public key nor a comment'
head -c 300 ann.ssh > x; refused x 'line 1 (ssh-rsa)'
head -c 200 ann.der > x; refused x 'DER, but not a public key or certificate that is whole'
