# Data keys for other programs: wrapped in a file, plaintext only in a pipe.
envcrypt key create --alias alias/disks > /dev/null
context=(-c disk=sdb -c 'größe=λ=1')
envcrypt data-key generate -k alias/disks "${context[@]}" -o wrapped > plain
[ "$(wc -c < plain)" = 32 ]; [ "$(stat -c %a wrapped)" = 600 ]
envcrypt data-key decrypt wrapped "${context[@]}" | cmp - plain
envcrypt data-key decrypt "${context[@]}" < wrapped | cmp - plain
envcrypt data-key decrypt - -k alias/disks "${context[@]}" < wrapped | cmp - plain
# The context must match exactly.
for wrong in '' '-c disk=sdb' '-c disk=sdc -c größe=λ=1' '-c disk=sdb -c größe=λ=1 -c more=1'; do
  fails 65 envcrypt data-key decrypt wrapped $wrong > out; says InvalidCiphertextException; [ ! -s out ]
done
fails 69 envcrypt data-key decrypt wrapped "${context[@]}" -k alias/default > out; says IncorrectKeyException; [ ! -s out ]
printf x >> wrapped; fails 65 envcrypt data-key decrypt wrapped "${context[@]}"; truncate -s -1 wrapped
echo nothing > file; fails 65 envcrypt data-key decrypt file
fails 66 envcrypt data-key decrypt missing

# Lengths, the default key, and the same operations in the KMS API.
for options in '--spec AES_128:16' '--spec AES_256:32' '--bytes 1:1' '--bytes 1024:1024'; do
  envcrypt data-key generate ${options%:*} -o sized -f > plain.sized
  [ "$(wc -c < plain.sized)" = "${options#*:}" ]
  envcrypt data-key decrypt sized | cmp - plain.sized
done
envcrypt kms decrypt --ciphertext-blob fileb://sized | json 'j["Plaintext"]' | base64 -d | cmp - plain.sized
for bytes in 0 1025; do fails 64 envcrypt data-key generate --bytes $bytes -o none; absent none; done

# JSON, without and with the plaintext key.
envcrypt data-key generate -k alias/disks --json > both.json
json 'j["CiphertextBlob"]' < both.json | base64 -d > wrapped.json
json 'j["Plaintext"]' < both.json | base64 -d > plain.json
envcrypt data-key decrypt wrapped.json | cmp - plain.json
envcrypt data-key decrypt wrapped.json --json | json 'j["Plaintext"]' | base64 -d | cmp - plain.json
envcrypt data-key generate --json --no-plaintext | json '"Plaintext" in j' | matches -x False
envcrypt data-key generate --no-plaintext -o later > out; [ ! -s out ]
[ "$(envcrypt data-key decrypt later | wc -c)" = 32 ]

# Options that exclude each other, and a required option.
fails 64 envcrypt data-key generate -o none --json; says 'cannot be used together'
fails 64 envcrypt data-key generate -o none --spec AES_256 --bytes 32; says 'cannot be used together'
fails 64 envcrypt data-key generate; says '--output'
fails 64 envcrypt data-key generate -o -; says '--output'
fails 64 envcrypt data-key generate -o none --spec AES_512
fails 64 envcrypt data-key generate -o none -c nothing
absent none

# A wrapped key is not overwritten, and in that case no plaintext key is printed.
cp wrapped before
fails 73 envcrypt data-key generate -k alias/disks -o wrapped > out; says --force
cmp wrapped before; [ ! -s out ]
fails 73 envcrypt data-key generate -o missing/wrapped > out; [ ! -s out ]
envcrypt data-key generate -k alias/disks -o wrapped -f > plain
fails 1 cmp -s wrapped before; envcrypt data-key decrypt wrapped | cmp - plain

# Keys that do not wrap data keys.
envcrypt key create --spec RSA_2048 --alias alias/rsa > /dev/null
envcrypt key create --spec HMAC_256 --alias alias/mac > /dev/null
for alias in alias/rsa alias/mac; do
  fails 64 envcrypt data-key generate -k $alias -o none > out; says InvalidKeyUsageException; absent none; [ ! -s out ]
done
envcrypt key disable alias/disks
fails 69 envcrypt data-key decrypt wrapped; says DisabledException
fails 69 envcrypt data-key generate -k alias/disks -o none; says DisabledException; absent none
envcrypt key enable alias/disks

# Not on a terminal.
fails 64 on_terminal '' envcrypt data-key generate -o none > shown; matches 'not shown on a terminal' < shown; absent none
fails 64 on_terminal '' envcrypt data-key decrypt wrapped > shown; matches 'not shown on a terminal' < shown
on_terminal '' envcrypt data-key generate --no-plaintext -o none; [ -s none ]
on_terminal '' envcrypt data-key decrypt wrapped --json | matches Plaintext
