# Elliptic-curve public keys as recipients: a host without anything else encrypts, and the private key decrypts, from
# PEM in any form or from a keyring file.
umask 077
generate() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$1" -out "$2" "${@:3}" 2>/dev/null; }
bare() { HOME=/nowhere XDG_DATA_HOME=/nowhere envcrypt "$@"; }
echo letter > a
for curve in P-256 P-384 P-521; do
  generate $curve private.pem
  openssl pkey -in private.pem -pubout -out public.pem
  bare encrypt a -f -r public.pem -c purpose=letter
  hash=$(openssl pkey -pubin -in public.pem -outform DER | sha256sum | cut -d' ' -f1)
  envcrypt inspect a.envc | matches "raw-ecdh $hash"
  fails 69 envcrypt decrypt a.envc -o -; says "raw-ecdh $hash"
  bare decrypt a.envc -o - --keyring private.pem -c purpose=letter | cmp - a
  # The same key as other programs write it.
  openssl ec -in private.pem -out sec1.pem 2>/dev/null
  openssl ec -in private.pem -no_public -out alone.pem 2>/dev/null
  openssl ecparam -name "$(openssl ec -in private.pem -noout -text 2>/dev/null | sed -n 's/ASN1 OID: //p')" > both.pem
  cat sec1.pem >> both.pem
  for file in sec1.pem alone.pem both.pem; do bare decrypt a.envc -o - --keyring $file | cmp - a; done
  openssl ec -in private.pem -pubout -conv_form compressed -out compressed.pem 2>/dev/null
  bare encrypt a -o b -f -r compressed.pem
  envcrypt inspect b | matches "raw-ecdh $hash"
  bare decrypt b -o - --keyring private.pem | cmp - a
  # A keyring file also wraps, for its own key.
  python3 - "$hash" "${curve#P-}" > keyring.json <<END
import json, sys
print(json.dumps({"keys": [{"provider-id": "raw-ecdh", "key-id": sys.argv[1], "algorithm": "ecdh", "type": "private",
    "bits": int(sys.argv[2]), "encoding": "pem", "material": open("private.pem").read()}]}))
END
  bare encrypt a -o c -f --keyring keyring.json
  bare decrypt c -o - --keyring private.pem | cmp - a
  bare decrypt a.envc -o - --keyring keyring.json | cmp - a
  generate $curve other.pem
  fails 69 envcrypt decrypt a.envc -o - --keyring other.pem
  # Each of two recipients opens the message. reencrypt moves a message to one of them, and then leaves it alone.
  openssl pkey -in other.pem -pubout -out other.pub.pem
  bare encrypt a -f -r public.pem -r other.pub.pem --sign
  bare decrypt a.envc -o - --keyring other.pem | cmp - a
  [ "$(envcrypt reencrypt -n a.envc --keyring other.pem -r other.pub.pem)" = a.envc ]
  envcrypt reencrypt a.envc --keyring other.pem -r other.pub.pem
  [ -z "$(envcrypt reencrypt -n a.envc --keyring other.pem -r other.pub.pem)" ]
  fails 69 envcrypt decrypt a.envc -o - --keyring private.pem
  bare decrypt a.envc -o - --keyring other.pem | cmp - a
done
# Keys of another kind are refused with the reason.
public() { openssl pkey -in "$1" -pubout -out public.pem; }
generate secp256k1 private.pem; public private.pem
fails 78 envcrypt encrypt a -f -r public.pem; says "a key on the curve secp256k1, not on P-256, P-384 or P-521"
fails 78 envcrypt decrypt a.envc -o - --keyring private.pem; says "a key on the curve secp256k1"
generate P-256 private.pem -pkeyopt ec_param_enc:explicit; public private.pem
fails 78 envcrypt encrypt a -f -r public.pem; says "explicit curve parameters"
for algorithm in ED25519 X25519; do
  openssl genpkey -algorithm $algorithm -out private.pem; public private.pem
  fails 78 envcrypt encrypt a -f -r public.pem; says "a key for $algorithm, neither RSA nor elliptic-curve"
  fails 78 envcrypt decrypt a.envc -o - --keyring private.pem; says "a key for $algorithm, neither RSA nor"
done
generate P-256 private.pem
fails 78 envcrypt encrypt a -f -r private.pem; says "block 1 (PRIVATE KEY) is a private key"; says "not a public key"
openssl pkcs8 -topk8 -in private.pem -passout pass:secret -out encrypted.pem
fails 78 envcrypt decrypt a.envc -o - --keyring encrypted.pem; says "not an unencrypted PEM private key"
fails 78 envcrypt key import encrypted.pem; says "not an unencrypted PEM private key"
