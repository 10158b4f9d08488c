# Names of one file stay names of one file, as with cp -a, in both directions.
mkdir -p tree/sub/deep out back
random 70000 > tree/a; ln tree/a tree/sub/b; ln tree/a tree/sub/deep/c; echo x > tree/sub/x; ln tree/sub/x tree/y
: > tree/sub/empty; ln tree/sub/empty tree/empty; echo alone > tree/alone; echo half > outside; ln outside tree/half
chmod 640 tree/a; touch -d '2001-02-03 04:05:06.789' tree/a
# links DIRECTORY: the names of each file with several, without .envc, and the number of its names.
links() { (cd "$1" && find . -type f -links +1 ! -name 'half*' -printf '%i %n %p\n' | sed 's/\.envc$//' | sort -k 3 | awk '{ if (!($1 in n)) n[$1] = ++c; print n[$1], $2, $3 }'); }
links tree > wanted
[ "$(wc -l < wanted)" = 7 ]

envcrypt encrypt -R tree -o out 2>stderr; says '9 files done'
links out/tree | diff wanted -
envcrypt verify -q -R out
envcrypt decrypt -R out/tree -o back 2>stderr; says '9 files done'
links back/tree | diff wanted -; diff -r tree back/tree
[ "$(stat -c '%a %y' back/tree/sub/b)" = "$(stat -c '%a %y' tree/a)" ]
envcrypt decrypt -q --no-sync -R out/tree/ -o back/unsynced; links back/unsynced | diff wanted -

# Again with -f: nothing is mixed with the old outputs.
before=$(stat -c %i out/tree/a.envc); cp out/tree/a.envc kept
envcrypt encrypt -q -f -R tree -o out; links out/tree | diff wanted -
[ "$(stat -c %i out/tree/a.envc)" != "$before" ]; ! cmp -s kept out/tree/sub/b.envc || exit 1
# Without -f, existing names are refused, one by one.
fails 73 envcrypt encrypt -R tree -o out; says 'out/tree/sub/b.envc exists already'; says '9 failed'
# Links, directories and FIFOs in the place of a name are never replaced.
rm out/tree/sub/b.envc out/tree/sub/deep/c.envc; ln -s "$PWD/outside" out/tree/sub/b.envc; mkfifo out/tree/sub/deep/c.envc
fails 73 envcrypt encrypt -f -R tree -o out; says 'out/tree/sub/b.envc is a symbolic link'; says 'c.envc is not a regular file'
[ "$(cat outside)" = half ]; [ -p out/tree/sub/deep/c.envc ]
rm out/tree/sub/b.envc out/tree/sub/deep/c.envc

# If the first output fails, the others are files of their own, and linked with each other.
mkdir out/tree/a.envc.d; rm out/tree/a.envc; mkdir out/tree/a.envc
fails 73 envcrypt encrypt -f -R tree -o out; says 'out/tree/a.envc is a directory'; says '1 failed'
[ "$(stat -c %h out/tree/sub/b.envc)" = 2 ]; [ "$(stat -c %i out/tree/sub/b.envc)" = "$(stat -c %i out/tree/sub/deep/c.envc)" ]
envcrypt decrypt out/tree/sub/deep/c.envc -o - | cmp - tree/a

# Beside the inputs too.
cp -a tree beside; envcrypt encrypt -q -R beside
(cd beside; find . -name '*.envc' -links +1 | wc -l) > count; [ "$(cat count)" = 7 ]
find beside -type f ! -name '*.envc' -delete; envcrypt decrypt -q -R beside; rm beside/*.envc beside/sub/*.envc beside/sub/deep/*.envc
links beside | diff wanted -

# Several trees with names of one file. Inputs that are named are files of their own.
mkdir one two; echo 1 > one/f; ln one/f two/f; mkdir both; envcrypt encrypt -q -R one two -o both
[ "$(stat -c %h both/one/f.envc)" = 2 ]
envcrypt encrypt -q one/f two/f -o back 2>stderr || true
mkdir named; envcrypt encrypt -q tree/a tree/sub/b -o named; [ "$(stat -c %h named/a.envc)" = 1 ]
fails 73 envcrypt encrypt -R one/ two/ -o named; says 'was already written in this run'

# A directory that is missing by the time that the names are made; and many names in many directories.
mkdir many; echo m > many/first
for n in $(seq 300); do mkdir many/$n; ln many/first many/$n/m; done
(ulimit -n 100; envcrypt encrypt -R many -o out 2>stderr); says '301 files done'
[ "$(stat -c %h out/many/first.envc)" = 301 ]
(ulimit -n 100; envcrypt encrypt -R many 2>stderr); says '301 files done'; [ "$(stat -c %h many/first.envc)" = 301 ]
absent

# Names of a symbolic link become separate links, with one warning.
rm -rf tree out; mkdir tree; ln -s x tree/a
if ln -P tree/a tree/b 2>/dev/null; then
  envcrypt encrypt -q -R tree -o out 2>notes; [ "$(readlink out/tree/a out/tree/b)" = "$(printf 'x\nx')" ]
  grep -qF 'symbolic links with several names (hard links) became separate links' notes; [ "$(grep -c 'several names' notes)" = 1 ]
fi

# --update finds the names that have come since, and those that an interrupted run has left.
rm -rf tree out back; mkdir -p tree/x tree/y; for n in 1 2 3; do echo $n >tree/x/$n; ln tree/x/$n tree/y/$n; done; echo alone >tree/alone
inodes() { (cd "$1"; find . -type f -printf '%n %P\n' | sed 's/\.envc$//' | sort -k2); }
envcrypt encrypt -q -R tree -o out; rm out/tree/y/1.envc; cp -p out/tree/y/2.envc copy; mv copy out/tree/y/2.envc; ln tree/alone tree/other
envcrypt encrypt -R tree -o out --update -n >would 2>notes; [ "$(sort would)" = "$(printf 'encrypt tree/%s\n' other y/1 y/2)" ]
[ ! -e out/tree/other.envc ]
before=$(ls -i out/tree/x)
envcrypt encrypt -R tree -o out --update 2>notes; grep -qF '3 files done, 5 left as they are' notes
[ "$(inodes out/tree)" = "$(inodes tree)" ]; [ "$(ls -i out/tree/x)" = "$before" ]
envcrypt encrypt -R tree -o out --update 2>notes; grep -qF '0 files done, 8 left as they are' notes
envcrypt decrypt -q -R out/tree -o back --update; [ "$(inodes back/tree)" = "$(inodes tree)" ]; diff -r tree back/tree
rm back/tree/y/3; cp -p back/tree/x/2 copy; mv copy back/tree/y/2
envcrypt decrypt -q -R out/tree -o back --update; [ "$(inodes back/tree)" = "$(inodes tree)" ]; diff -r tree back/tree
# What somebody has edited stays.
rm back/tree/y/1; echo edited >back/tree/y/1; fails 73 envcrypt decrypt -q -R out/tree -o back --update; says 'back/tree/y/1 exists already'
[ "$(cat back/tree/y/1)" = edited ]
# A name whose file has changed is made anew, and so is every name of it.
echo changed >tree/x/3; envcrypt encrypt -R tree -o out --update 2>notes; grep -qF '2 files done, 6 left as they are' notes
[ "$(inodes out/tree)" = "$(inodes tree)" ]; [ "$(envcrypt decrypt out/tree/y/3.envc -o -)" = changed ]

# reencrypt -R replaces all names of a message by names of the new one.
envcrypt key create -q --alias alias/new; echo new >tree/new
for n in $(seq 20); do echo "$n" >tree/x/n$n; ln tree/x/n$n tree/y/n$n; done; envcrypt encrypt -q -R tree -o out --update
for jobs in 1 4; do
  envcrypt key create -q --alias alias/new$jobs
  envcrypt reencrypt -q -j $jobs -R out -k alias/new$jobs; [ "$(inodes out/tree)" = "$(inodes tree)" ]
  for file in x/3 y/3 y/n20; do envcrypt inspect out/tree/$file.envc | grep -qF "$(envcrypt key describe alias/new$jobs | sed -n 's/.*\([0-9a-f]\{8\}-[0-9a-f-]\{27\}\).*/\1/p' | head -n 1)"; done
done
rm -rf back; envcrypt decrypt -q -R out/tree -o back; diff -r tree back/tree
# Names on the command line become separate files, one after the other.
envcrypt reencrypt -q out/tree/x/n1.envc out/tree/y/n1.envc out/tree/x/n2.envc out/tree/y/n2.envc -k alias/new
[ "$(stat -c %h out/tree/x/n1.envc out/tree/y/n2.envc)" = "$(printf '1\n1')" ]; envcrypt verify -q -R out
