# A missing output directory is made when the first output needs it: with several inputs, with -R, and if its name ends in
# a slash. No file ever gets that name.
mkdir -p src/sub; for n in a b src/c src/sub/d; do random 3000 > $n; done
envcrypt encrypt a b -o several/deep
envcrypt encrypt a -o slash/
envcrypt encrypt -R src -o tree
envcrypt encrypt -R a -o named
[ "$(find several slash tree named -type f | sort | tr '\n' ' ')" = "named/a.envc several/deep/a.envc several/deep/b.envc \
slash/a.envc tree/src/c.envc tree/src/sub/d.envc " ]
[ "$(stat -c %a several several/deep slash tree | sort -u)" = 755 ]
envcrypt decrypt several/deep/*.envc -o back/; cmp a back/a; cmp b back/b
envcrypt decrypt slash/a.envc -o one/; cmp a one/a
envcrypt decrypt -R tree -o restored; diff -r src restored/tree/src
(umask 077; envcrypt encrypt a -o private/new/); [ "$(stat -c %a private private/new | sort -u)" = 700 ]
envcrypt encrypt --no-sync a b -o unsynced; envcrypt decrypt unsynced/b.envc -o - | cmp - b

# An absolute path; and the directory may appear meanwhile, or be there.
envcrypt encrypt a -o "$PWD/absolute/x/"; [ -f absolute/x/a.envc ]
envcrypt encrypt b -o slash/; [ -f slash/b.envc ]

# Nothing is made if there is no output, and nothing that exists is taken for a directory.
fails 66 envcrypt encrypt nosuch1 nosuch2 -o unneeded; absent unneeded
fails 66 envcrypt decrypt -R src -o unneeded; absent unneeded
fails 64 envcrypt encrypt - -o unneeded/ < a; says 'has no name of its own'; absent unneeded
fails 73 envcrypt encrypt a -o b/; says 'b is not a directory'; [ -f b ]
fails 73 envcrypt encrypt a b -o src/c; says 'src/c is not a directory'
fails 73 envcrypt encrypt a -o src/c/new/; says 'not a directory'
fails 73 envcrypt encrypt a -o missing/x; says 'there is no directory missing'; absent missing
ln -s nowhere dangling
fails 73 envcrypt encrypt a -o dangling/; says 'symbolic link'; absent nowhere
fails 73 envcrypt encrypt a -o gone/../new/; absent new gone
fails 73 envcrypt data-key generate -o key/; absent key

# A directory that the run makes among its inputs is not an input.
mkdir among; cp -r src among/a; cp -r src among/z
(cd among; envcrypt encrypt -R . -o m/out)
[ "$(cd among; find m -type f | sort | tr '\n' ' ')" = "m/out/a/c.envc m/out/a/sub/d.envc m/out/z/c.envc m/out/z/sub/d.envc " ]

# An output that cannot be made is 73.
mkdir refused; cd refused; echo 1 > a; ln -s lnk lnk; mkdir b.envc; echo 2 > b
for output in lnk lnk/x; do fails 73 envcrypt encrypt a -o $output; says "cannot create $output: too many levels"; done
fails 73 envcrypt encrypt a b -o lnk; fails 73 envcrypt encrypt -R a -o lnk/
fails 73 envcrypt encrypt a -o zz/.; says 'there is no directory zz'
fails 73 envcrypt encrypt b; says 'b.envc is a directory'
fails 73 envcrypt encrypt a -o "$(printf '%0300d' 1)"; says 'file name too long'
cd ..
