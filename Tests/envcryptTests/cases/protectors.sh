# The passphrase from a file, a descriptor and a command; a key file; adding and removing protectors.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
printf 'correct horse\n' > right; printf 'wrong\n' > wrong
envcrypt init -q --passphrase-file right
echo text > a
envcrypt encrypt a --passphrase-file right
envcrypt decrypt a.envc -o - --passphrase-fd 3 3< right | cmp - a
ENVCRYPT_PASSPHRASE_COMMAND='cat right' envcrypt decrypt a.envc -o - | cmp - a
# The passphrase's line is taken from standard input, and the rest is data.
cat right a.envc | envcrypt decrypt --passphrase-fd 0 | cmp - a
fails 77 envcrypt decrypt a.envc -o b --passphrase-file wrong; says 'wrong passphrase'; absent b
setsid -w bash -c 'envcrypt decrypt a.envc -o b 2>stderr; echo $? > status' < /dev/null
[ "$(cat status)" = 77 ]; says 'no terminal'; says '--passphrase-file'
envcrypt inspect a.envc > /dev/null; envcrypt key list > /dev/null
only=$(envcrypt keystore protector list --json | json 'j["Protectors"][0]["ProtectorId"]')
fails 64 envcrypt keystore protector remove "$only" --passphrase-file right; says 'the only one'
envcrypt keystore protector add key-file:usb.key --passphrase-file right > /dev/null
[ "$(stat -c %a usb.key)" = 600 ]
envcrypt decrypt a.envc -o - | cmp - a
printf 'second\n' > second
envcrypt keystore protector add passphrase --new-passphrase-file second > added
envcrypt keystore protector remove "$only"
mv usb.key moved.key
fails 77 envcrypt decrypt a.envc -o - --passphrase-file right
envcrypt decrypt a.envc -o - --key-file moved.key | cmp - a
envcrypt decrypt a.envc -o - --passphrase-file second | cmp - a
# Exporting a key asks for the passphrase even if the key file would be sufficient.
fails 77 envcrypt key export alias/default --key-file moved.key --passphrase-file wrong -o e.json
absent e.json
