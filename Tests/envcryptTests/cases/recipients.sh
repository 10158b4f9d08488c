# Encrypting to a bare RSA public key needs no keystore. Its private key decrypts, from PEM or imported.
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem 2>/dev/null
openssl pkey -in private.pem -pubout -out public.pem
echo letter > a
HOME=/nowhere XDG_DATA_HOME=/nowhere envcrypt encrypt a -r public.pem
hash=$(openssl pkey -pubin -in public.pem -outform DER | sha256sum | cut -d' ' -f1)
envcrypt inspect a.envc | matches "envcrypt-spki $hash"
fails 69 envcrypt decrypt a.envc -o -
envcrypt decrypt a.envc -o - --keyring private.pem | cmp - a
HOME=/nowhere XDG_DATA_HOME=/nowhere envcrypt decrypt a.envc -o - --keyring private.pem | cmp - a
envcrypt key import private.pem --alias alias/mine > /dev/null
envcrypt decrypt a.envc -o - | cmp - a
envcrypt inspect a.envc | matches alias/mine
# The keystore's own RSA keys can be recipients too.
envcrypt key create --spec RSA_2048 --alias alias/rsa > /dev/null
envcrypt key public-key alias/rsa -o rsa.pem
envcrypt encrypt a -f -r rsa.pem -k alias/default
envcrypt decrypt a.envc -o - -k alias/rsa | cmp - a
fails 78 envcrypt encrypt a -f -r a; says 'not a public key or certificate'
fails 69 envcrypt key public-key alias/default; says UnsupportedOperationException
