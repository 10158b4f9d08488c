# A key that was imported twice opens its messages as long as one of the two is usable.
umask 077
echo text >f
random 32 | base64 -w0 >material
cat >theirs.json <<P2
{"keys": [{"provider-id": "theirs", "key-id": "backup", "algorithm": "aes", "type": "symmetric", "bits": 256,
  "encoding": "base64", "material": "$(cat material)"}]}
P2
openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
for file in theirs.json rsa.pem ec.pem; do
  envcrypt encrypt f -f --keyring $file -o m.envc
  one=$(envcrypt key import $file); two=$(envcrypt key import $file)
  [ "$one" != "$two" ]
  for pair in "$one $two" "$two $one"; do
    set -- $pair
    envcrypt key disable "$1"
    envcrypt decrypt m.envc -o - | cmp - f
    envcrypt verify m.envc
    envcrypt decrypt m.envc -k "$2" -o - | cmp - f
    fails 69 envcrypt decrypt m.envc -k "$1" -o -; says "key $1 is disabled"
    envcrypt inspect m.envc | matches -F "$2"
    # Encrypted again, the message stays under the same key and name.
    envcrypt reencrypt --force m.envc
    envcrypt decrypt m.envc --keyring $file --keystore none.db -o - | cmp - f
    envcrypt key schedule-deletion -y "$1" 2>/dev/null
    envcrypt decrypt m.envc -o - | cmp - f
    # If neither is usable, the error names the one that can be enabled at once.
    envcrypt key disable "$2"
    fails 69 envcrypt decrypt m.envc -o -
    says "DisabledException: key $2 is disabled"; says "hint: envcrypt key enable $2"
    envcrypt key cancel-deletion "$1" 2>/dev/null; envcrypt key enable "$1"; envcrypt key enable "$2"
  done
done

# Two keyring files have different keys of the same name. Each message is opened with its own key.
sed "s|$(cat material)|$(random 32 | base64 -w0)|" theirs.json >others.json
cmp -s theirs.json others.json && exit 1
envcrypt encrypt f -f --keyring theirs.json -o a.envc; envcrypt encrypt f -f --keyring others.json -o b.envc
for message in a b; do
  envcrypt decrypt $message.envc --keystore none.db --keyring theirs.json --keyring others.json -o - | cmp - f
  envcrypt decrypt $message.envc --keystore none.db --keyring others.json --keyring theirs.json -o - | cmp - f
done
fails 69 envcrypt decrypt b.envc --keyring theirs.json -o -
# The keystore has one key, a file the other.
envcrypt decrypt a.envc --keyring others.json -o - | cmp - f
