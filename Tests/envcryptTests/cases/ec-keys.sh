# Elliptic-curve keys of the keystore: any host can encrypt to the public key, and the keystore decrypts.
umask 077
bare() { HOME=/nowhere XDG_DATA_HOME=/nowhere envcrypt "$@"; }
echo letter > a
for curve in P256 P384 P521; do
  alias=alias/$curve
  id=$(envcrypt key create --spec ECC_NIST_$curve --usage KEY_AGREEMENT --alias $alias)
  envcrypt key public-key $alias -o public.pem -f
  hash=$(openssl pkey -pubin -in public.pem -outform DER | sha256sum | cut -d' ' -f1)
  envcrypt key describe $alias | matches -F "public key SHA-256 $hash"
  # Encrypts here, and on a host that has only the public key.
  envcrypt encrypt a -k $alias -o here.envc -f
  bare encrypt a -r public.pem -c purpose=letter -o there.envc -f
  for file in here.envc there.envc; do
    envcrypt inspect $file | matches -F "raw-ecdh $hash"
    envcrypt inspect $file | matches -F $alias
    envcrypt inspect $file --json | json 'j["Messages"][0]["EncryptedDataKeys"][0]["Aliases"]' | matches -xF "['$alias']"
    envcrypt decrypt $file -o - | cmp - a
    envcrypt decrypt $file -o - -k "$id" | cmp - a
    fails 78 bare decrypt $file -o -; says 'there is no keystore'
    fails 69 envcrypt decrypt $file -o - -k alias/default
    [ -z "$(envcrypt reencrypt -n $file -k $alias)" ]
  done
  [ "$(envcrypt reencrypt -n here.envc -k alias/default)" = here.envc ]
  # With an additional symmetric key, each of the two keys opens the message.
  envcrypt encrypt a -k $alias -k alias/default --sign -o two.envc -f
  envcrypt decrypt two.envc -o - -k $alias | cmp - a
  envcrypt decrypt two.envc -o - -k alias/default | cmp - a

  # The exported key opens the messages elsewhere and is imported again under its key ID.
  envcrypt key export $alias -o key.json -f 2>/dev/null
  rm -f other.db; envcrypt init -q --protector none --keystore other.db
  fails 69 envcrypt decrypt there.envc --keystore other.db -o -
  [ "$(envcrypt key import key.json --keystore other.db --alias alias/back)" = "$id" ]
  envcrypt kms describe-key --key-id alias/back --keystore other.db |
    json '[j["KeyMetadata"][k] for k in ["KeySpec", "KeyUsage", "KeyState"]]' | matches -xF "['ECC_NIST_$curve', 'KEY_AGREEMENT', 'Enabled']"
  for file in here.envc there.envc; do
    bare decrypt $file -o - --keyring key.json | cmp - a
    envcrypt decrypt $file -o - --keystore other.db | cmp - a
  done
  envcrypt encrypt a -k alias/back --keystore other.db -o back.envc -f
  envcrypt decrypt back.envc -o - | cmp - a
  envcrypt key public-key alias/back --keystore other.db | cmp - public.pem
  fails 73 envcrypt key import key.json; says AlreadyExistsException
  # The private key of another program can also be imported, and opens messages to that key.
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-${curve#P} -out private.pem 2>/dev/null
  openssl pkey -in private.pem -pubout -out theirs.pem
  bare encrypt a -r theirs.pem -o theirs.envc -f
  fails 69 envcrypt decrypt theirs.envc -o -
  envcrypt key import private.pem > imported
  envcrypt decrypt theirs.envc -o - | cmp - a
  # The key states apply to these keys too.
  envcrypt key disable $alias
  fails 69 envcrypt decrypt here.envc -o -; says DisabledException
  fails 69 envcrypt encrypt a -k $alias -o none; says DisabledException; absent none
  envcrypt decrypt two.envc -o - | cmp - a
  envcrypt key enable $alias; envcrypt decrypt here.envc -o - | cmp - a
done
# An elliptic-curve key needs a usage, and a signing key does not encrypt.
fails 64 envcrypt key create --spec ECC_NIST_P256; says KeyUsage
envcrypt key create --spec ECC_NIST_P256 --usage SIGN_VERIFY --alias alias/sign > /dev/null
fails 64 envcrypt encrypt a -k alias/sign -o none; says InvalidKeyUsageException; absent none
fails 64 envcrypt key create --spec ECC_SECG_P256K1 --usage KEY_AGREEMENT; says ValidationException
fails 69 envcrypt key export alias/sign -o none; says UnsupportedOperationException; absent none
