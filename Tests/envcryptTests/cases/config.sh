# Settings: an option overrides a variable, a variable the configuration file, and that the default. 'envcrypt config'
# says what is in force and why.
umask 077
file=$PWD/.config/envcrypt/config.toml
mkdir -p .config/envcrypt
echo letter > a
shows() { envcrypt config "$@" | sed 's/  */ /g' > shown; }
row() { grep -qxF -- "$1" shown || { echo "no row: $1"; cat shown; return 1; }; }
key_of() { envcrypt inspect --json "$1" | json 'sorted(k["KeyName"].split("/")[0] for k in j["Messages"][0]["EncryptedDataKeys"])'; }
id_of() { envcrypt key describe --json "$1" | json 'j["KeyMetadata"]["KeyId"]'; }
ids() { for name; do id_of "$name"; done | sort | python3 -c 'import sys; print(sys.stdin.read().split())'; }

# Without a file everything has its default, and that the file does not exist is said.
shows; row "configuration file: $file (does not exist)"
row "keystore $PWD/data/envcrypt/keystore.db default"; row 'key alias/default default'; row 'jobs one per core default'
row 'key-file - default'; row 'passphrase-file - default'; row 'passphrase-command - default'
envcrypt config --json > shown
json '[j["ConfigFile"]["Exists"], [s["Source"] for s in j["Settings"]] == ["default"] * 6]' < shown | grep -qxF '[False, True]'
XDG_CONFIG_HOME=$PWD/c shows; row "configuration file: $PWD/c/envcrypt/config.toml (does not exist)"
XDG_CONFIG_HOME=c shows; row "configuration file: $file (does not exist)"
env -u HOME envcrypt config | matches '^configuration file: none: HOME is not set'

# The keys to encrypt with.
for name in one two three; do envcrypt key create --alias alias/$name >/dev/null; done
encrypts() { local wanted=$1; shift; envcrypt encrypt -f a -o m "$@"; [ "$(key_of m)" = "$wanted" ] || { key_of m; return 1; }; }
encrypts "$(ids alias/default)"
echo 'key = "alias/one"  # ours' > "$file"
encrypts "$(ids alias/one)"; shows; row "key alias/one $file:1"; row "configuration file: $file"
printf 'jobs = 1\nkey = [\n  "alias/one", # and\n  '"'alias/two'"',\n]\n' > "$file"
encrypts "$(ids alias/one alias/two)"; shows; row "key alias/one, alias/two $file:2"; row "jobs 1 $file:1"
export ENVCRYPT_KEY='alias/two'; encrypts "$(ids alias/two)"; shows; row 'key alias/two ENVCRYPT_KEY'
export ENVCRYPT_KEY=' alias/two, alias/three,'; encrypts "$(ids alias/two alias/three)"
encrypts "$(ids alias/three)" -k alias/three; encrypts "$(ids alias/three)" --key=alias/three
shows -k alias/three -j2; row 'key alias/three --key'; row 'jobs 2 --jobs'
envcrypt encrypt - < a > m; [ "$(key_of m)" = "$(ids alias/two alias/three)" ]
# A recipient or a keyring is a choice too. Decryption takes any key, and 'reencrypt' keeps the keys of a message.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p.key; openssl pkey -in p.key -pubout -out p.pub
envcrypt encrypt -f -r p.pub a -o m; [ "$(envcrypt inspect --json m | json 'len(j["Messages"][0]["EncryptedDataKeys"])')" = 1 ]
ENVCRYPT_KEY= envcrypt encrypt -f -k alias/three a -o m; envcrypt decrypt m -o - | cmp - a; envcrypt reencrypt --force m
[ "$(key_of m)" = "$(ids alias/three)" ]
fails 78 envcrypt data-key generate --no-plaintext -o d; says 'ENVCRYPT_KEY names 2 keys'; says '-k'; absent d
export ENVCRYPT_KEY=alias/three; envcrypt data-key generate --no-plaintext -o d; envcrypt data-key decrypt -k alias/three d | wc -c | grep -qx 32
export ENVCRYPT_KEY=', '; fails 78 envcrypt encrypt a; says 'ENVCRYPT_KEY names no key'; absent a.envc
export ENVCRYPT_KEY=alias/none; fails 69 envcrypt encrypt a; says "error: ENVCRYPT_KEY: "; says "no key 'alias/none'"; absent a.envc
fails 69 envcrypt encrypt -k alias/never a; ! grep ENVCRYPT_KEY stderr || exit 1
# An empty variable counts as not set.
export ENVCRYPT_KEY=; encrypts "$(ids alias/one alias/two)"; unset ENVCRYPT_KEY

# The keystore: paths are relative to the file, and ~/ is HOME.
envcrypt init -q --protector none --keystore other.db
printf 'keystore = "../../other.db"\n' > "$file"
envcrypt keystore status | matches -F 'other.db'; shows; row "keystore $PWD/.config/envcrypt/../../other.db $file:1"
mkdir elsewhere; (cd elsewhere; envcrypt encrypt -f ../a -o ../m); envcrypt decrypt --keystore other.db m -o - | cmp - a
printf 'keystore = "~/other.db"\n' > "$file"; shows; row "keystore $PWD/other.db $file:1"
fails 78 env ENVCRYPT_KEYSTORE="$PWD/third.db" envcrypt encrypt a; says "no keystore at $PWD/third.db (named by ENVCRYPT_KEYSTORE)"
ENVCRYPT_KEYSTORE=$PWD/third.db shows; row "keystore $PWD/third.db ENVCRYPT_KEYSTORE"
ENVCRYPT_KEYSTORE=$PWD/third.db shows --keystore x.db; row 'keystore x.db --keystore'
# The file of settings may be a link, and the keystore that it names is not an output.
mv "$file" real.toml; ln -s "$PWD/real.toml" "$file"; shows; row "keystore $PWD/other.db $file:1"; rm "$file"
printf 'keystore = "~/other.db"\n' > "$file"; fails 73 envcrypt encrypt -f a -o other.db; says 'belongs to a keystore'

# The passphrase.
echo right > right; echo wrong > wrong
envcrypt init -q --passphrase-file right --keystore p.db
decrypts() { envcrypt encrypt -f a -o m "$@"; envcrypt decrypt m -o - "$@" | cmp - a; }
export ENVCRYPT_KEYSTORE=$PWD/p.db
echo 'passphrase-file = "~/right"' > "$file"; decrypts; shows; row "passphrase-file $PWD/right $file:1"
echo 'passphrase-command = "cat ~/right"' > "$file"; decrypts; shows; row "passphrase-command cat ~/right $file:1"
echo 'passphrase-command = "exit 3"' > "$file"; fails 77 envcrypt encrypt a; says "the passphrase-command in $file:1 failed: exit status 3"
echo 'passphrase-command = "echo"' > "$file"; fails 77 envcrypt encrypt a; says "the first line that the passphrase-command in $file:1 prints is empty"
ENVCRYPT_PASSPHRASE_FILE=right decrypts; ENVCRYPT_PASSPHRASE_COMMAND='cat right' decrypts; decrypts --passphrase-file right
echo 'passphrase-file = "~/wrong"' > "$file"; fails 77 envcrypt encrypt a; says 'wrong passphrase'
ENVCRYPT_PASSPHRASE_FILE=right decrypts; ENVCRYPT_PASSPHRASE_COMMAND='cat right' decrypts; decrypts --passphrase-file right
ENVCRYPT_PASSPHRASE_FILE=wrong decrypts --passphrase-file right; decrypts --passphrase-fd 5 5< right 2>/dev/null || envcrypt encrypt -f a -o m --passphrase-fd 5 5< right
ENVCRYPT_PASSPHRASE_COMMAND='cat right' shows
row 'passphrase-command cat right ENVCRYPT_PASSPHRASE_COMMAND'; row "passphrase-file $PWD/wrong $file:1, not used"
ENVCRYPT_PASSPHRASE_FILE=right shows --passphrase-fd 7; row 'passphrase-fd 7 --passphrase-fd'
fails 78 env ENVCRYPT_PASSPHRASE_FILE=right ENVCRYPT_PASSPHRASE_COMMAND='cat right' envcrypt encrypt a
says 'ENVCRYPT_PASSPHRASE_FILE and ENVCRYPT_PASSPHRASE_COMMAND cannot be used together'
ENVCRYPT_PASSPHRASE_FILE=right ENVCRYPT_PASSPHRASE_COMMAND= decrypts
# Set but empty, the variable switches the command and the file off. So a command that runs envcrypt does not run itself.
fails 77 env ENVCRYPT_PASSPHRASE_COMMAND= envcrypt encrypt a; says 'no terminal'
echo 'passphrase-command = "echo again >> runs; envcrypt decrypt m -o -"' > "$file"; rm -f runs
ENVCRYPT_PASSPHRASE_FILE=right envcrypt encrypt -f right -o m
fails 77 timeout 60 envcrypt encrypt a; [ "$(wc -l < runs)" = 1 ]
# The file with the passphrase must be private, as ever.
chmod 644 right; echo 'passphrase-file = "~/right"' > "$file"; fails 77 envcrypt encrypt a; says 'chmod 600'; chmod 600 right
# A key file that was moved.
envcrypt init -q --protector key-file:$PWD/k --keystore k.db; mkdir usb; mv k usb
export ENVCRYPT_KEYSTORE=$PWD/k.db; printf 'key-file = "~/usb/k"\n' > "$file"; decrypts; shows; row "key-file $PWD/usb/k $file:1"
unset ENVCRYPT_KEYSTORE

# A mistake in the file is an error with its line, in every command that uses settings, and nothing is done.
wrong() { printf "$1" > "$file"; fails 78 envcrypt encrypt a; says "$file:$2"; absent a.envc; fails 78 envcrypt config; says "$file:$2"; }
wrong 'keystor = "x"\n' "1: unknown setting 'keystor'; did you mean 'keystore'?"; says 'hint: the settings are keystore, key, '
wrong '\nkey_file = "x"\n' "2: unknown setting 'key_file'; did you mean 'key-file'?"
wrong 'jobs = "4"' '1: jobs must be an integer, not a string'; wrong 'jobs = 0' '1: jobs must be 1 to 1024'
wrong 'key = 1' '1: key must be a string or an array of strings'; wrong 'key = []' '1: key is an empty array'
wrong '[encrypt]\nkey = "x"' '1: tables are not supported here'; wrong 'key = "x' '1: a string without its end'
wrong 'key = "a"\nkey = "b"' "2: 'key' is already in line 1"; wrong 'keystore = "~bob/x"' "1: keystore begins with '~' and a name"
wrong 'passphrase-file = "a"\npassphrase-command = "b"' '2: passphrase-file and passphrase-command cannot be used together'
wrong '# \377' '1: this is not UTF-8'
head -c 70000 /dev/zero | tr '\0' '#' > "$file"; fails 78 envcrypt encrypt a; says 'has more than 64.0 KiB'
envcrypt --version >/dev/null; envcrypt help config >/dev/null
# Neither is a file that others may write, or that is not a file; a FIFO does not make a command wait.
echo 'jobs = 1' > "$file"
for mode in 0620 0602 0666; do chmod $mode "$file"; fails 78 envcrypt encrypt a; says "others may write $file (mode $mode)"; says "hint: chmod go-w -- $file"; done
chmod 444 "$file"; envcrypt encrypt -f a -o m
rm "$file"; mkfifo "$file"; fails 78 timeout 60 envcrypt encrypt a; says "$file is not a regular file"
rm "$file"; mkdir "$file"; fails 78 envcrypt encrypt a; says "$file is a directory"; rmdir "$file"
ln -s config.toml "$file"; fails 78 envcrypt encrypt a; says "cannot open $file"; rm "$file"
ln -s nowhere "$file"; envcrypt encrypt -f a -o m; rm "$file"
rmdir .config/envcrypt; : > .config/envcrypt; envcrypt encrypt -f a -o m; rm .config/envcrypt; mkdir .config/envcrypt
if can_be nobody; then
  echo 'jobs = 1' > "$file"; chmod 700 .config; chmod 755 .
  as_nobody() { setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups env "$@"; }
  as_nobody envcrypt config | matches 'does not exist'
  chmod -R go=rX .config
  chown nobody "$file"; fails 78 envcrypt config; says "$file belongs to another user"; says 'hint: chown 0 -- '
  as_nobody envcrypt config | matches -F "$file:1"
  chown root "$file"; as_nobody envcrypt config | matches -F "$file:1"
  chmod 600 "$file"; fails 78 as_nobody envcrypt config; says "cannot open $file: permission denied"
  rm "$file"
fi
# A variable that envcrypt does not have is a typing error.
ENVCRYPT_KEYSTOR=x envcrypt config 2>stderr >/dev/null; says "envcrypt has no variable ENVCRYPT_KEYSTOR; did you mean 'ENVCRYPT_KEYSTORE'?"

# Reading the settings costs one failed system call if there is no file, and the file is opened once.
if command -v strace >/dev/null; then
  opened() { strace -f -qq -e trace=%file -o trace envcrypt "$@"; grep -c "config.toml" trace; }
  [ "$(opened encrypt -f a -o m)" = 1 ]; [ "$(opened decrypt -f m -o b)" = 1 ]
  echo 'jobs = 1' > "$file"; [ "$(opened encrypt -f a -o m)" = 1 ]; [ "$(opened encrypt -f a m -o elsewhere)" = 1 ]
else skipped 'there is no strace'; fi
