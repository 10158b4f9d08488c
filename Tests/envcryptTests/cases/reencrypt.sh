# Messages move to other keys in place. A message that cannot be read stays unchanged.

old=$(envcrypt key create --alias alias/old)
new=$(envcrypt key create --alias alias/new)
mkdir tree
for name in a b c; do
  echo "secret $name" | envcrypt encrypt -k alias/old -c file=$name -o tree/$name.envc
done
random 3000000 >big
envcrypt encrypt -k alias/old --sign -a -o tree/big.envc big
chmod 640 tree/a.envc
touch -d 2001-02-03 tree/a.envc
ln -s b.envc tree/link.envc
echo 'not a message' >tree/notes.txt
cp -a tree before

# Prints what would change and changes nothing.
envcrypt reencrypt -R tree -k alias/new --dry-run >names
printf 'tree/%s.envc\n' a b big c | cmp - names
diff -r before tree

envcrypt reencrypt -R tree -k alias/new 2>messages
grep -qF '4 files done; skipped 1 symbolic link, 1 other file' messages
[ "$(stat -c '%a %y' tree/a.envc | cut -c1-14)" = '640 2001-02-03' ]
[ -L tree/link.envc ]
cmp tree/notes.txt before/notes.txt
[ "$(envcrypt decrypt tree/a.envc -k alias/new -c file=a -o -)" = 'secret a' ]
envcrypt decrypt -k alias/new tree/big.envc -o - | cmp - big
envcrypt inspect tree/big.envc --json | json '[(m["Armored"], m["Signed"]) for m in j["Messages"]]' |
  matches -F '[(True, True)]'
fails 69 envcrypt decrypt -k alias/old tree/a.envc -o -
absent tree/.envcrypt-x

# Messages that are already under the key stay unchanged without --force.
cp -a tree after
envcrypt reencrypt -R tree -k alias/new 2>messages
grep -qF '0 files done, 4 left as they are' messages
diff -r after tree
envcrypt reencrypt --force tree/a.envc -k alias/new
fails 1 cmp -s after/a.envc tree/a.envc
envcrypt reencrypt tree/b.envc -k alias/new -k alias/old
envcrypt decrypt -k alias/old tree/b.envc -o - | matches 'secret b'

# A link stays a link, and its target is replaced.
envcrypt reencrypt tree/link.envc -k alias/old
[ -L tree/link.envc ]
envcrypt inspect tree/b.envc | matches -F alias/old

# A bad file is reported and left unchanged, and does not stop the others.
envcrypt encrypt -o whole.envc big
head -c 100000 whole.envc >tree/bad.envc
cp tree/bad.envc bad
fails 65 envcrypt reencrypt -R tree -k alias/old
says 'tree/bad.envc: truncated'
says '3 files done, 1 left as they are, 1 failed'
cmp bad tree/bad.envc
absent tree/.envcrypt-x

# A message that is already under the key is still written to a pipe. (The output was once empty.)
envcrypt encrypt -k alias/new -o current.envc big
envcrypt reencrypt -k alias/new <current.envc >again.envc
envcrypt decrypt again.envc -o - | cmp - big
[ -z "$(envcrypt reencrypt -k alias/new --dry-run <current.envc)" ]

# A closed output ends the command, even if more input would follow.
mkfifo fifo
(
  exec 9>fifo
  head -c 1400000 current.envc >&9
  exec sleep 1000
) &
sleeper=$!
{ timeout 300 envcrypt reencrypt -k alias/old <fifo || echo $? >status; } | head -c 1000 >/dev/null
[ "$(cat status)" != 124 ]
kill $sleeper

# Pipes; recipients; a keyring for the old message; only a keyring.
envcrypt reencrypt -k alias/new <tree/a.envc >piped.envc
envcrypt decrypt -k alias/new piped.envc -o - | matches 'secret a'
openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl rsa -in rsa.pem -pubout -out pub.pem 2>/dev/null
envcrypt key export alias/old -o old.json --force 2>/dev/null
ENVCRYPT_KEYSTORE=nowhere envcrypt reencrypt --keyring old.json -r pub.pem tree/c.envc
envcrypt decrypt --keyring rsa.pem tree/c.envc -o - | matches 'secret c'
fails 69 envcrypt reencrypt tree/c.envc
fails 66 envcrypt reencrypt nothing.envc
