# A file from which a secret is read must be accessible only to its owner: passphrases, keyring files, private keys, key
# files.
echo text > a
echo 'correct horse' > pass; chmod 600 pass
envcrypt init -q --keystore p.db --passphrase-file pass
envcrypt encrypt a -o m
envcrypt key export alias/default -o escrow.json 2>/dev/null
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem 2>/dev/null
openssl pkey -in private.pem -pubout -out public.pem; chmod 644 public.pem
head -c 40 /dev/urandom > key-file
envcrypt encrypt -r public.pem a -o for-private
asRoot=$([ "$(id -u)" = 0 ] && echo yes || echo no)

refused() { local file=$1; shift; fails 77 "$@"; says "other users may read or change $file (mode 0$(stat -c %a "$file"))"; says "chmod 600 -- $file"; }
create() { envcrypt key create --keystore p.db "$@" > /dev/null; }
for mode in 644 640 604 660 602 620 610 666; do
  chmod $mode pass escrow.json private.pem key-file
  refused pass create --passphrase-file pass
  refused pass envcrypt init --keystore q.db --passphrase-file pass; absent q.db
  refused pass envcrypt keystore protector add passphrase --new-passphrase-file pass
  refused escrow.json envcrypt decrypt --keyring escrow.json m -o out; absent out
  refused private.pem envcrypt decrypt --keyring private.pem for-private -o out; absent out
  refused private.pem envcrypt encrypt --keyring private.pem a -o out; absent out
  refused private.pem envcrypt key import private.pem
  refused escrow.json envcrypt key import escrow.json
  refused "$PWD/key-file" envcrypt keystore protector add key-file:key-file
  # The check is on the open descriptor, whatever name leads to it.
  ln -sf pass link; fails 77 create --passphrase-file link; says 'other users may read or change link'
  fails 77 create --passphrase-fd 3 3<pass; says 'other users may read or change /dev/fd/3'
  fails 77 create --passphrase-file /dev/fd/3 3<pass; says 'may read or change /dev/fd/3'
  fails 77 envcrypt decrypt --keyring - m -o out <escrow.json; says 'the file on standard input'; absent out
done
for mode in 600 400 700; do
  chmod $mode pass escrow.json private.pem
  create --passphrase-file pass; create --passphrase-fd 3 3<pass
  envcrypt decrypt --keyring escrow.json m -o - | cmp - a
  envcrypt decrypt --keyring private.pem for-private -o - | cmp - a
  envcrypt decrypt --keyring - m -o - <escrow.json | cmp - a
done
# Pipes and files without a name belong to the process that opened them.
chmod 644 pass
create --passphrase-file <(cat pass); create --passphrase-fd 3 3< <(cat pass); cat pass | create --passphrase-fd 0
mkfifo -m 644 pipe; cat pass > pipe & create --passphrase-file pipe; wait
python3 - <<'P'
import os, subprocess
file = os.memfd_create("passphrase"); os.write(file, b"correct horse\n"); os.lseek(file, 0, 0)
subprocess.run(["envcrypt", "key", "create", "--keystore", "p.db", "--passphrase-fd", str(file)], pass_fds=[file], check=True, stdout=subprocess.DEVNULL)
P
create --passphrase-fd 3 3<<<'correct horse'
# Everybody may read public keys.
chmod 644 private.pem
envcrypt encrypt --keyring public.pem a -o out; envcrypt encrypt -f -r public.pem a -o out
cat public.pem private.pem > both.pem; refused both.pem envcrypt encrypt --keyring both.pem -f a -o out
if [ $asRoot = yes ]; then
  # systemd gives root's credentials to a user with an access control list, which appears as a permission of the group.
  chown 0:0 pass; chmod 440 pass; create --passphrase-file pass
  chmod 460 pass; refused pass create --passphrase-file pass
  chmod 444 pass; refused pass create --passphrase-file pass
  chown 0:1234 pass; chmod 440 pass; refused pass create --passphrase-file pass
  chown 1234:1234 pass; chmod 440 pass; refused pass create --passphrase-file pass
  chmod 400 pass; create --passphrase-file pass
else
  echo 'SKIPPED: credentials of systemd are root'\''s, and this is not root'
fi

# An empty passphrase is refused, and a short one gives a warning.
umask 077
for text in '' '\n' '\r\n' '\nsecret\n'; do
  printf "$text" > none
  fails 77 create --passphrase-file none; says 'no passphrase given: the first line of none is empty'
  fails 77 create --passphrase-fd 3 3<none; says 'no passphrase given'
  fails 64 envcrypt init --keystore q.db --passphrase-file none; says 'no passphrase given'; absent q.db
  fails 64 envcrypt init --keystore q.db --passphrase-fd 3 3<none; says 'no passphrase given'; absent q.db
  fails 64 envcrypt keystore protector add passphrase --new-passphrase-file none; says 'no passphrase given'
done
warns() { printf '%s\n' "$1" > new; envcrypt keystore protector add passphrase --new-passphrase-file new 2>stderr >/dev/null; grep -q 'warning: the passphrase has fewer than 8 characters' stderr; }
for short in a 1234567 'äöüßäöü' 'äöüßä'; do warns "$short"; done
for long in 12345678 'äöüßäöüß' '        '; do ! warns "$long"; done

# A keystore, its audit log, its journal and a message are no keys, and no passphrases.
store=$XDG_DATA_HOME/envcrypt/keystore.db
umask 077
cp "$store" a-keystore; cp "$store-audit" an-audit-log; envcrypt encrypt -q a -o a-message
(printf '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7'; head -c 504 /dev/zero) > a-journal; envcrypt encrypt -q -a a -o an-armored-message
for file in a-keystore an-audit-log a-journal a-message an-armored-message; do
  case $file in
    a-keystore) kind='a keystore' ;; an-audit-log) kind='the audit log of a keystore' ;;
    a-journal) kind='a journal of SQLite' ;; *) kind='a message' ;;
  esac
  sum=$(sha256sum $file)
  for key in "$file" "$PWD/$file"; do
    fails 77 envcrypt keystore protector add key-file:"$key"; says "key file $PWD/$file: it "
    fails 77 envcrypt init --keystore new.db --protector key-file:"$key"; says "key file $PWD/$file: it "; absent new.db
  done
  fails 78 envcrypt decrypt --keyring $file m -o no; says "$file is $kind, and not a keyring file"; absent no
  fails 78 envcrypt encrypt --keyring $file a -o no; says "$file is $kind, and not a keyring file"; absent no
  fails 78 envcrypt key import $file; says "$file is $kind, and not a keyring file"
  fails 78 envcrypt encrypt -r $file a -o no; says "$file is $kind, and not a public key"; absent no
  fails 78 envcrypt keystore protector add passphrase --new-passphrase-file $file; says "$file is $kind, and not a passphrase"
  fails 78 envcrypt init --keystore new.db --passphrase-file $file; says "$file is $kind, and not a passphrase"; absent new.db
  [ "$(sha256sum $file)" = "$sum" ]
done
# A file of a keystore is none either, whatever is in it.
random 40 > a-store.db-audit; cp "$store" a-store.db
fails 77 envcrypt keystore protector add key-file:"$PWD/a-store.db-audit"; says 'it belongs to a keystore'
# A protector does not open with one of these: the message says why.
chmod 600 key-file; envcrypt init -q --keystore k.db --protector key-file:key-file
fails 77 envcrypt key create --keystore k.db --key-file an-audit-log; says 'it is the audit log of a keystore, and not a key file'
cp an-audit-log key-file
fails 77 envcrypt key create --keystore k.db < /dev/null; says 'it is the audit log of a keystore, and not a key file'
