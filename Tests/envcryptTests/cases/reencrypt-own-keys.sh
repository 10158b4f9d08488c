# Without -k and -r a message is moved to the current versions of its own keys, or stays unchanged.
umask 077
echo text >f
mine=$(envcrypt key create --alias alias/mine); other=$(envcrypt key create --alias alias/other)
envcrypt key create --alias alias/rsa --spec RSA_2048 >/dev/null
envcrypt key create --alias alias/ec --spec ECC_NIST_P256 --usage KEY_AGREEMENT >/dev/null
openssl genrsa -out bob.pem 2048 2>/dev/null; openssl rsa -in bob.pem -pubout -out bob.pub 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out eve.pem; openssl ec -in eve.pem -pubout -out eve.pub 2>/dev/null
# keys FILE: prints the keys of the message, sorted.
keys() { envcrypt inspect "$1" --json | json '"\n".join(sorted(k["ProviderId"] + " " + k["KeyName"] for k in j["Messages"][0]["EncryptedDataKeys"]))'; }

mkdir tree
envcrypt encrypt f -k alias/mine -k alias/other -o tree/two.envc
envcrypt encrypt f -k alias/mine -k alias/rsa -k alias/ec -r eve.pub -o tree/kinds.envc
envcrypt encrypt f -o tree/default.envc
envcrypt encrypt f -k alias/mine -r bob.pub -o tree/bob.envc
cp -a tree before

# There is nothing to do, even for a recipient of whom only a fingerprint is known.
envcrypt reencrypt -R tree 2>stderr; says '0 files done, 4 left as they are'
[ -z "$(envcrypt reencrypt -n -R tree 2>/dev/null)" ]
diff -r before tree

# After a rotation there is. The one message that cannot be moved stays unchanged, and the error says why.
envcrypt key rotate alias/mine
fails 69 envcrypt reencrypt -n -R tree
says '2 files to be done, 1 left as they are, 1 failed'
diff -r before tree
fails 69 envcrypt reencrypt -R tree
says "tree/bob.envc: the message cannot keep its key envcrypt-spki $(openssl pkey -pubin -in bob.pub -outform DER | sha256sum | cut -d' ' -f1)"
says 'the message has only the fingerprint of the public key'
says "hint: name all keys that the message needs: envcrypt reencrypt -k $mine -r PUB.pem FILE"
says '2 files done, 1 left as they are, 1 failed'
cmp before/bob.envc tree/bob.envc; cmp before/default.envc tree/default.envc
keys before/two.envc | sed "s|$mine/1|$mine/2|" | diff - <(keys tree/two.envc)
keys before/kinds.envc | sed "s|$mine/1|$mine/2|" | diff - <(keys tree/kinds.envc)
for key in alias/mine alias/other; do envcrypt decrypt tree/two.envc -k $key -o - | cmp - f; done
for key in alias/mine alias/rsa alias/ec; do envcrypt decrypt tree/kinds.envc -k $key -o - | cmp - f; done
envcrypt decrypt tree/kinds.envc --keyring eve.pem --keystore none.db -o - | cmp - f
absent none
# A second run finds only the message that cannot be moved.
fails 69 envcrypt reencrypt -R tree; says '0 files done, 3 left as they are, 1 failed'
# Follows the hint.
envcrypt reencrypt -k "$mine" -r bob.pub tree/bob.envc
envcrypt decrypt tree/bob.envc --keyring bob.pem --keystore none.db -o - | cmp - f
envcrypt reencrypt -R tree 2>stderr; says '0 files done, 4 left as they are'

# A recipient whose key is available is kept: from a keyring file or from the keystore itself.
envcrypt key rotate alias/mine
envcrypt reencrypt tree/bob.envc --keyring bob.pem
keys tree/bob.envc | matches -F "$mine/3"; envcrypt decrypt tree/bob.envc --keyring bob.pem --keystore none.db -o - | cmp - f
envcrypt key rotate alias/mine
envcrypt key import bob.pem >/dev/null
envcrypt reencrypt tree/bob.envc
keys tree/bob.envc | matches -F "$mine/4"; keys tree/bob.envc | matches envcrypt-spki
envcrypt decrypt tree/bob.envc --keyring bob.pem --keystore none.db -o - | cmp - f

# A disabled key is not dropped.
envcrypt key disable alias/other
cp tree/two.envc two.envc
fails 69 envcrypt reencrypt tree/two.envc; says "$other/1"; says "DisabledException: key $other is disabled"
cmp two.envc tree/two.envc
envcrypt key enable alias/other
envcrypt reencrypt tree/two.envc; envcrypt decrypt tree/two.envc -k alias/other -o - | cmp - f

# A foreign key, also without a keystore.
printf '{"keys": [{"provider-id": "p", "key-id": "k", "algorithm": "aes", "type": "symmetric", "bits": 256, "encoding": "base64", "material": "%s"}]}' "$(random 32 | base64 -w0)" >p.json
envcrypt encrypt f --keyring p.json -r eve.pub -o p.envc
cp p.envc p.before
envcrypt reencrypt --keystore none.db --keyring p.json p.envc
cmp p.envc p.before
envcrypt reencrypt --force --keystore none.db --keyring p.json p.envc
fails 1 cmp -s p.envc p.before
for keyring in p.json eve.pem; do envcrypt decrypt p.envc --keystore none.db --keyring $keyring -o - | cmp - f; done
fails 69 envcrypt reencrypt --force --keystore none.db --keyring eve.pem p.envc
says 'the message cannot keep its key p k (neither the keystore nor a --keyring has it)'

# A pipe always gets output.
envcrypt reencrypt <tree/two.envc >piped.envc; keys piped.envc | diff - <(keys tree/two.envc)
envcrypt decrypt piped.envc -o - | cmp - f
fails 69 envcrypt reencrypt --keyring eve.pem --keystore none.db <p.envc

# It is decided and recorded like any encryption.
[ "$(envcrypt keystore audit --key alias/rsa | grep -c '  Encrypt  .*  ok$')" = 2 ]
cat >policy.json <<P2
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"}]}
P2
envcrypt key policy put alias/other policy.json
cp tree/two.envc two.envc
fails 77 envcrypt reencrypt --force tree/two.envc; says AccessDeniedException
cmp two.envc tree/two.envc
