# Escrow files that are encrypted: with a passphrase, or to a public key. The commands are those of docs/escrow.md.
umask 077
envcrypt key create --alias alias/backup > /dev/null; envcrypt key create --spec RSA_2048 --alias alias/rsa > /dev/null
echo text > a; for key in default backup rsa; do envcrypt encrypt a -k alias/$key -o $key.envc; done
envcrypt key export --all -o clear.json 2> /dev/null
printf 'correct horse\n' > pass; printf 'wrong one\n' > wrong

# With a passphrase.
umask 000; envcrypt key export --all --encrypt-with passphrase --escrow-passphrase-file pass -o escrow.pem 2> stderr; umask 077
! says unencrypted > /dev/null || exit 1; says 'keys 3, versions 3'; [ "$(stat -c %a escrow.pem)" = 600 ]
matches 'BEGIN ENCRYPTED PRIVATE KEY' < escrow.pem; ! matches material < escrow.pem || exit 1
envcrypt init -q --protector none --keystore new.db --import escrow.pem --escrow-passphrase-file pass
for key in default backup rsa; do envcrypt decrypt $key.envc -o - --keystore new.db | cmp - a; done
fails 77 envcrypt init -q --protector none --keystore bad.db --import escrow.pem --escrow-passphrase-file wrong
says 'wrong passphrase for escrow.pem'; absent bad.db
fails 77 setsid -w envcrypt init -q --protector none --keystore bad.db --import escrow.pem < /dev/null
says 'escrow.pem needs its passphrase'; says '--escrow-passphrase-file'; absent bad.db
# OpenSSL opens the private key, which opens the message.
openssl pkcs8 -in escrow.pem -passin file:pass -out key.pem
sed -n '/^-----BEGIN ENVCRYPT/,$p' escrow.pem | envcrypt decrypt --keyring key.pem -o keys.json; cmp keys.json clear.json
for key in default backup rsa; do envcrypt decrypt $key.envc -o - --keyring keys.json --keystore none.db | cmp - a; done
fails 1 openssl pkcs8 -in escrow.pem -passin file:wrong -out wrong.pem
openssl asn1parse -in escrow.pem | matches scrypt
# Each file has its own key pair.
envcrypt key export alias/backup --encrypt-with passphrase --escrow-passphrase-file pass -o one.pem
envcrypt init -q --protector none --keystore one.db; envcrypt key import one.pem --escrow-passphrase-file pass --keystore one.db > /dev/null
envcrypt decrypt backup.envc -o - --keystore one.db | cmp - a
[ "$(sed -n 7p one.pem)" != "$(sed -n 7p escrow.pem)" ]
# On a terminal it is typed twice.
on_terminal $'correct horse\ncorrect horse' envcrypt key export alias/backup --encrypt-with passphrase -o typed.pem > shown
matches 'New passphrase for typed.pem' < shown; ! matches 'correct horse' < shown || exit 1
on_terminal 'correct horse' envcrypt init -q --protector none --keystore typed.db --import typed.pem > shown
matches 'Passphrase for typed.pem' < shown; envcrypt decrypt backup.envc -o - --keystore typed.db | cmp - a
fails 64 on_terminal $'correct horse\nother horse' envcrypt key export alias/backup --encrypt-with passphrase -o bad.pem > shown
absent bad.pem
# Keys that OpenSSL encrypts with PBKDF2 are read, too.
{ openssl pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -passout file:pass; sed -n '/^-----BEGIN ENVCRYPT/,$p' escrow.pem; } > pbkdf2.pem
envcrypt init -q --protector none --keystore pbkdf2.db --import pbkdf2.pem --escrow-passphrase-file pass
# Damage, at the end of each part.
edited() { fails "$1" envcrypt init -q --protector none --keystore bad.db --import bad.pem --escrow-passphrase-file pass; says bad.pem; absent bad.db; }
sed '/END ENVCRYPT/d' escrow.pem > bad.pem; edited 78
{ cat escrow.pem; echo more; } > bad.pem; edited 78
sed '/BEGIN ENCRYPTED/,/END ENCRYPTED/d' escrow.pem > bad.pem; edited 78
python3 - <<'P'
import base64, re
text = open("escrow.pem").read()
head, message = text.split("-----BEGIN ENVCRYPT MESSAGE-----\n")
body = bytearray(base64.b64decode(message.split("-----END")[0])); body[-20] ^= 1
lines = base64.encodebytes(bytes(body)).decode().replace("\n", "")
open("bad.pem", "w").write(head + "-----BEGIN ENVCRYPT MESSAGE-----\n" + re.sub("(.{1,64})", r"\1\n", lines) + "-----END ENVCRYPT MESSAGE-----\n")
P
edited 65

# To a public key: the file is a message.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -aes256 -pass file:pass -out sealed.pem 2> /dev/null
openssl pkey -in sealed.pem -passin file:pass -pubout -out safe.pub.pem; openssl pkey -in sealed.pem -passin file:pass -out safe.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ec.pem 2> /dev/null; openssl pkey -in ec.pem -pubout -out ec.pub.pem
cat safe.pub.pem ec.pub.pem > both.pub.pem
for public in safe ec both; do
  envcrypt key export --all --encrypt-with $public.pub.pem -o $public.envc 2> stderr; ! says unencrypted > /dev/null || exit 1
done
envcrypt decrypt safe.envc -o - --keyring safe.pem --keystore none.db | cmp - clear.json
for private in safe ec; do envcrypt decrypt both.envc -o - --keyring $private.pem --keystore none.db | cmp - clear.json; done
envcrypt decrypt ec.envc -o - --keyring ec.pem --keystore none.db | envcrypt init -q --protector none --keystore piped.db --import -
envcrypt decrypt rsa.envc -o - --keystore piped.db | cmp - a
fails 78 envcrypt init -q --protector none --keystore bad.db --import safe.envc; says 'safe.envc is a message'; says 'hint: '
# A key that is not a public key, and options that do not go together.
fails 78 envcrypt key export --all --encrypt-with safe.pem -o bad.envc; absent bad.envc
fails 66 envcrypt key export --all --encrypt-with missing.pub.pem -o bad.envc; absent bad.envc
fails 64 envcrypt key export --all --escrow-passphrase-file pass -o bad.envc; says '--encrypt-with passphrase'
rm bad.pem; printf '\n' > empty; fails 64 envcrypt key export --all --encrypt-with passphrase --escrow-passphrase-file empty -o bad.pem; absent bad.pem
