# --rm removes an input once its output is on the disk and verified, in both directions.
lines() { python3 -c 'import json,sys; l=[json.loads(x) for x in open(sys.argv[1])]; print(eval(sys.argv[2]))' "$@"; }
random 300000 >whole; cp whole a; echo b >b; : >empty

# One file, several, armor, signatures, holes, another suffix.
envcrypt encrypt --rm a; absent a; envcrypt decrypt a.envc -o - | cmp - whole
envcrypt decrypt --rm a.envc; absent a.envc; cmp a whole
envcrypt encrypt --rm a b empty 2>stderr; absent a b empty; [ ! -s stderr ]
envcrypt decrypt --rm a.envc b.envc empty.envc; absent a.envc b.envc empty.envc; cmp a whole; [ "$(cat b)" = b ]; [ -e empty ]
envcrypt encrypt --rm --sign -a -c x=y --frame-length 1000 --suffix .x a; absent a
envcrypt decrypt --rm --sparse -c x=y --suffix .x a.x; absent a.x; cmp a whole
envcrypt encrypt --rm a -o sub/; absent a; envcrypt decrypt --rm sub/a.envc -o a; absent sub/a.envc; cmp a whole
printf '%s\n' a b | envcrypt encrypt -q --rm --files-from -; absent a b
envcrypt decrypt --rm -q a.envc b.envc; cmp a whole

# Keys outside the keystore. A public key cannot verify; with a private key beside it, that one does.
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem; chmod 600 private.pem
openssl pkey -in private.pem -pubout -out public.pem
fails 64 envcrypt encrypt --rm -r public.pem a; says 'a public key alone cannot open it'; says '--keyring'; absent a.envc
fails 64 envcrypt encrypt --rm -n -r public.pem a; fails 64 envcrypt encrypt --rm --keyring public.pem a; absent a.envc; cmp a whole
envcrypt encrypt --rm --keystore none.db -r public.pem --keyring private.pem a; absent a none.db
envcrypt decrypt --rm --keystore none.db --keyring private.pem a.envc; cmp a whole
envcrypt encrypt --rm -k alias/default -r public.pem a; absent a; envcrypt decrypt --rm a.envc; cmp a whole
# If the caller may not decrypt, nothing can be verified, and the input stays.
fails 69 envcrypt encrypt --rm -k alias/none a; absent a.envc; cmp a whole

# Refused before anything is written.
refused() { fails 64 envcrypt "$@"; says 'hint:'; cmp a whole; absent a.envc; }
refused encrypt --rm -o - a; refused encrypt --rm -o /dev/stdout a; refused encrypt --rm -o /dev/null a; refused encrypt --rm - <a
refused encrypt --rm <a; refused encrypt --rm /dev/stdin <a; refused encrypt --rm --no-sync a; says 'on the disk'
printf '/dev/stdin\n' >list; refused encrypt --rm --files-from list <a; says 'inputs that are files'
refused encrypt --rm --delete -R sub -o x; says 'the next run would delete'
envcrypt encrypt a -o m; for option in --stdout '-o -' '--offset 1' '--length 1' --no-sync; do refused decrypt --rm $option m; done
mkfifo fifo; refused encrypt --rm a -o fifo; refused encrypt --rm fifo; says 'fifo is not a regular file'
fails 66 envcrypt encrypt --rm sub; says 'sub is a directory'; fails 66 envcrypt encrypt --rm gone; says 'no such file'
ln -s a link; refused encrypt --rm link; says 'link is a symbolic link'; [ -L link ]; ln -s m m.envc; refused decrypt --rm m.envc; rm m.envc
ln b b2; fails 64 envcrypt encrypt --rm b a; says 'b is one of 2 names of a file'; absent a; [ -e b ]; rm b2; envcrypt decrypt --rm a.envc
# Outputs have the times of their inputs, and their extended attributes with --xattrs; without, nothing may be lost.
touch -d '2001-02-03 04:05:06.123456789' b time; envcrypt encrypt --rm b; [ "$(stat -c %y b.envc)" = "$(stat -c %y time)" ]
envcrypt decrypt --rm b.envc; [ "$(stat -c %y b)" = "$(stat -c %y time)" ]
if python3 -c 'import os; os.setxattr("b", "user.note", b"n")' 2>/dev/null; then
  fails 64 envcrypt encrypt --rm b; says 'b has extended attributes or ACLs'; [ -e b ]; envcrypt encrypt --rm --xattrs b; absent b
  fails 64 envcrypt decrypt --rm b.envc; envcrypt decrypt --rm --xattrs b.envc; [ "$(python3 -c 'import os; print(os.getxattr("b", "user.note"))')" = "b'n'" ]
  rm b; echo b >b
  # An output of an earlier run may not have them: then the input stays.
  echo x >noted; envcrypt encrypt --update noted; python3 -c 'import os; os.setxattr("noted", "user.note", b"n")'
  fails 74 envcrypt encrypt --update --rm --xattrs noted; says 'noted was not removed: noted.envc does not have all of its extended attributes'
  [ -e noted ]; envcrypt encrypt -f --rm --xattrs noted; absent noted
  # ACLs too, which are kept in trees.
  mkdir listed; echo x >listed/x
  if python3 -c 'import os; os.setxattr("listed/x", "system.posix_acl_access", bytes.fromhex("02000000 01000600ffffffff 02000400feff0000 04000400ffffffff 10000400ffffffff 20000000ffffffff"))' 2>notes; then
    fails 64 envcrypt encrypt --rm listed/x; says 'or ACLs'; [ -e listed/x ]
    envcrypt encrypt -q -R --rm --xattrs listed -o acls; [ ! -e listed/x ]
    python3 -c 'import os; os.getxattr("acls/listed/x.envc", "system.posix_acl_access")'
  else cat notes; fi
else
  skipped 'this file system has no extended attributes'
fi
# By way of a link to a directory, the file itself is removed.
mkdir real; echo r >real/r; ln -s real way; envcrypt encrypt --rm way/r; absent real/r; [ -e real/r.envc ]

# Existing outputs are not touched, and their inputs stay. Failures of some files keep only those.
echo other >b.envc; fails 73 envcrypt encrypt --rm --json a b gone >report; says '1 file done, 2 failed, 1 input removed'; absent a; [ -e b ]
[ "$(lines report '[(x.get("Result"), x.get("Removed")) for x in l]')" = "[('done', True), ('failed', None), ('failed', None), (None, 1)]" ]
rm b.envc; envcrypt decrypt --rm --json a.envc >report; [ "$(lines report 'l[0]["Removed"], l[1]["Removed"], l[1]["Done"]')" = '(True, 1, 1)' ]
envcrypt encrypt --json a >report; [ "$(lines report '"Removed" in l[0] or "Removed" in l[1]')" = False ]
flip a.envc 5000; rm a; cp whole a2; envcrypt encrypt a2 -o c.envc
fails 65 envcrypt decrypt --rm a.envc c.envc; absent a c.envc; [ -e a.envc ]; cmp c whole; rm a.envc c; cp whole a

# What the keystore needs is never removed: its files, key files, keyrings, files of passphrases.
fails 64 envcrypt encrypt --rm data/envcrypt/keystore.db; says 'belongs to a keystore'
fails 64 envcrypt encrypt --rm data/envcrypt/keystore.db-audit
mkdir home; envcrypt init -q --keystore home/k.db --protector key-file:home/key; echo t >home/text; envcrypt key export --keystore home/k.db alias/default -o home/escrow.json
fails 64 envcrypt encrypt --keystore home/k.db -R --rm home -o safe; says 'home/key is needed to decrypt'; says '2 files done, 3 failed, 2 inputs removed'
[ "$(ls home | tr '\n' ' ')" = 'k.db k.db-audit key ' ]; envcrypt decrypt --keystore home/k.db safe/home/escrow.json.envc
fails 64 envcrypt encrypt --rm --keyring safe/home/escrow.json safe/home/escrow.json; says 'is needed to decrypt its own message'
echo pass >word; chmod 600 word; envcrypt init -q --keystore p.db --protector passphrase --passphrase-file word
fails 64 envcrypt encrypt --rm --keystore p.db --passphrase-file word word; says 'is needed to decrypt'; [ "$(cat word)" = pass ]

# A dry run says what would be done, and what would be refused.
fails 64 envcrypt encrypt --rm -n a b link >report; printf 'encrypt and remove %s\n' a b | diff - report; says 'link is a symbolic link'; cmp a whole
[ "$(envcrypt decrypt --rm -n m -o x)" = 'decrypt and remove m' ]

# --update: messages of earlier runs are verified too, byte for byte, before their inputs go.
envcrypt encrypt --update a b; cp b b.kept; [ "$(envcrypt encrypt --rm --update -n a b)" = $'remove a\nremove b' ]
envcrypt encrypt --rm --update --json a b >report; absent a b; [ "$(lines report 'l[0]["Result"], l[0]["Removed"], l[2]["Removed"]')" = "('unchanged', True, 2)" ]
envcrypt decrypt --update a.envc b.envc; envcrypt decrypt --rm --update a.envc b.envc; absent a.envc b.envc; cmp a whole; cmp b b.kept
envcrypt encrypt --update a b; touch -r b time; printf x | dd of=b conv=notrunc status=none; touch -r time b
fails 65 envcrypt encrypt --rm --update a b; says 'b was not removed: b.envc has other contents'; absent a; [ "$(cat b)" = x ]
envcrypt decrypt -q a.envc; envcrypt encrypt -q -f --update a; flip a.envc 100000; touch -r a a.envc
fails 65 envcrypt encrypt --rm --update a; says 'a was not removed: a.envc: '; cmp a whole
rm b.envc; envcrypt encrypt --update b -k "$(envcrypt key create)"; envcrypt encrypt -q --rm --update b; absent b

# A file that a program has open for writing stays.
cat >lease.py <<'P'
import fcntl, sys
fcntl.fcntl(open(sys.argv[1]), 1024, fcntl.F_RDLCK)
P
echo 1 >log
if python3 lease.py log 2>/dev/null; then
  exec 5>>log; fails 3 envcrypt encrypt --rm log; exec 5>&-; says 'log was not removed: another program has it open for writing'
  [ "$(cat log)" = 1 ]; envcrypt encrypt --rm --update log; absent log
else
  skipped 'this file system has no leases'
fi

# A directory that may not be written: the output is complete, and the input stays. Root may write without this capability.
restrained() { if [ "$(id -u)" = 0 ]; then setpriv --bounding-set=-dac_override --inh-caps=-dac_override "$@"; else "$@"; fi; }
mkdir fixed; cp whole fixed/f; chmod 555 fixed
fails 77 restrained envcrypt encrypt --rm fixed/f -o f.envc; says 'fixed/f was not removed: cannot remove fixed/f: permission denied'; cmp fixed/f whole
fails 77 restrained envcrypt encrypt --rm -R --json fixed -o g >report; says '0 files done, 1 failed'; [ "$(lines report 'l[1]["Error"]["Status"], l[2]["Removed"]')" = '(77, 0)' ]
envcrypt decrypt f.envc -o - | cmp - whole; envcrypt verify -q -R g; chmod 755 fixed
