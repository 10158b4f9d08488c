# No file is skipped silently, and verifying nothing is not a success.
mkdir docs bk; echo a > docs/a; echo from-bob > m; envcrypt encrypt -q -o docs/mail.envc m

# In another directory a message is a file like any other.
envcrypt encrypt -q -R docs -o bk
[ "$(cd bk && find . -type f | sort | tr '\n' ' ')" = './docs/a.envc ./docs/mail.envc.envc ' ]
envcrypt encrypt -q -f -R docs -o bk
[ "$(find bk -type f | wc -l)" = 2 ]
mkdir back; envcrypt decrypt -q -R bk/docs -o back; diff -r docs back/docs

# Next to its input the output of an earlier run is not encrypted. Another message is named and left unchanged.
envcrypt encrypt -q -R docs 2>stderr
says 'warning: docs/mail.envc is already a message'
[ "$(ls docs | tr '\n' ' ')" = 'a a.envc mail.envc ' ]
envcrypt encrypt -f -R docs 2>stderr
says '1 file done; skipped 2 encrypted files'; says 'docs/mail.envc is already a message'
[ "$(ls docs | tr '\n' ' ')" = 'a a.envc mail.envc ' ]
envcrypt encrypt -q docs/mail.envc
[ "$(ls docs | tr '\n' ' ')" = 'a a.envc mail.envc mail.envc.envc ' ]
rm docs/mail.envc.envc
# The originals are gone: nothing is encrypted twice, and a warning says so.
mkdir gone; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $n > gone/$n; done
envcrypt encrypt -q -R gone; find gone -type f ! -name '*.envc' -delete
envcrypt encrypt -q -R gone 2>stderr
says 'gone/1.envc is already a message'; says 'and 2 more such messages'; says 'no files to encrypt in gone'
[ "$(ls gone | wc -l)" = 12 ]
# A file that only has a name with .envc is not a message.
mkdir names; echo text > names/text.envc
envcrypt encrypt -q -R names 2>stderr; [ ! -s stderr ]
[ -e names/text.envc.envc ]

# An output directory inside the tree, or equal to the tree, or its parent: two runs have the same result.
# twice DIRECTORY COMMAND...
once=$PWD/once
twice() {
  local directory=$1; shift
  "$@"; find "$directory" | sort > "$once"
  "$@"; find "$directory" | sort | diff "$once" -
}
mkdir -p in/sub in/out; echo 1 > in/one; echo 2 > in/sub/two
twice in envcrypt encrypt -q -f -R in -o in/out
envcrypt encrypt -q -f -R in -o in/out 2>stderr; says 'warning: skipped the output directory'
mkdir -p it/sub; echo 1 > it/one; echo 2 > it/sub/two
twice it envcrypt encrypt -q -f -R it -o it
mkdir -p up/tree/sub; echo 1 > up/tree/one; echo 2 > up/tree/sub/two
twice up envcrypt encrypt -q -f -R up/tree -o up
[ "$(find up -type f | sort | tr '\n' ' ')" = 'up/tree/one up/tree/one.envc up/tree/sub/two up/tree/sub/two.envc ' ]
mkdir -p a b; echo 1 > a/one; echo 2 > b/two
twice a envcrypt encrypt -q -f -R a b -o a
[ "$(find a -type f | sort | tr '\n' ' ')" = 'a/a/one.envc a/b/two.envc a/one ' ]
(cd b; twice . envcrypt encrypt -q -f -R . -o .)
[ "$(find b -type f | sort | tr '\n' ' ')" = 'b/two b/two.envc ' ]
twice gone envcrypt encrypt -q -f -R gone

# Skipped files are reported even with -q if the backup lacks them.
mkdir odd; echo 1 > odd/one; ln -s one odd/link; mkfifo odd/pipe; echo x > odd/.envcrypt-0123456789ab.tmp
envcrypt encrypt -q -R odd -o bk 2>stderr
says 'warning: skipped 1 special file, 1 unfinished file'
[ "$(ls -A bk/odd | tr '\n' ' ')" = 'link one.envc ' ]

# Nothing to verify, nothing to decrypt, nothing to reencrypt.
mkdir mnt; : > list; mkdir texts; echo 1 > texts/one
for place in mnt texts; do
  fails 66 envcrypt verify -R $place; says "no messages to verify in $place"
  fails 66 envcrypt verify -q -R $place; says "no messages to verify in $place"
  fails 66 envcrypt decrypt -q -R $place -o back; says "no messages to decrypt in $place"
  fails 66 envcrypt reencrypt -q -R $place -k alias/default; says "no messages to reencrypt in $place"
  fails 66 envcrypt reencrypt -q -R $place -k alias/default --dry-run
done
fails 66 envcrypt verify --files-from list; says 'no messages to verify'
fails 66 envcrypt verify -q -0 --files-from list; says 'no messages to verify'
fails 66 envcrypt decrypt -q --files-from list -o back; says 'no messages to decrypt'
fails 66 envcrypt reencrypt -q --files-from list -k alias/default; says 'no messages to reencrypt'
# Also if only one of several directories is empty.
fails 66 envcrypt verify -R bk mnt > verified; says 'no messages to verify in mnt'
[ "$(grep -c OK verified)" = 3 ]
# A backup of nothing gives a warning: an empty directory may be a disk that is not mounted.
envcrypt encrypt -q -R mnt -o bk 2>stderr; says 'warning: no files to encrypt in mnt'
envcrypt encrypt -q -R mnt docs -f -o bk 2>stderr; says 'warning: no files to encrypt in mnt'
envcrypt encrypt -q --files-from list -o bk 2>stderr; says 'warning: no files to encrypt'
