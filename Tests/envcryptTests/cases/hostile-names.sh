# Names that scripts do not expect: each is handled unchanged or refused on its own.
mkdir tree out back
for name in $'line\nfeed' $'esc\e[31m' $'bidi\u202e' $'latin1-\xe9' $'half\xc3' -R '*' '$(id)' 'a  b ' \
  $'\u0600' $'tail\u0301' A a; do
  printf 'in %s' "$name" > "tree/$name"
done
envcrypt encrypt -R tree -o out 2>stderr
says '13 files done'
envcrypt decrypt -q -R out/tree -o back
diff -r tree back/tree

# Failed files are named with control characters escaped, and the other files are done.
printf x > $'out/tree/esc\e[31m.envc'
rm -r back; mkdir back
fails 65 envcrypt decrypt -R out/tree -o back
says '12 files done, 1 failed'
says 'esc\u{1b}[31m.envc'
fails 1 grep -q $'\e' stderr

# A name so long that there is no room for .envc.
long=$(printf '%0251d' 0)
mkdir long; echo 1 > "long/$long"; echo 2 > long/short; echo 3 > "long/${long:0:250}"
fails 73 envcrypt encrypt -R long -o out
says 'file name too long'; says '2 files done, 1 failed'
envcrypt decrypt -q -f "out/long/${long:0:250}.envc" -o back
[ "$(cat "back/${long:0:250}")" = 3 ]

# Two names of one file give two messages. An output that is another name of its input is refused.
mkdir links; echo 1 > links/a; ln links/a links/b
envcrypt encrypt -q -R links -o out
envcrypt verify -q out/links/a.envc out/links/b.envc
ln links/a links/c.envc
fails 64 envcrypt encrypt links/c.envc -o links/a
fails 64 envcrypt encrypt -f links/c.envc -o links/a
says 'same file'
ln links/a links/b.envc
fails 64 envcrypt encrypt -f links/b
[ "$(cat links/a)" = 1 ]

# An argument that is not text is not a context.
fails 64 envcrypt encrypt links/a -o - -c $'k=\xff'
says 'not UTF-8'
envcrypt encrypt links/a -o with -c $'k=\u0301x=y'
envcrypt decrypt with -o - -c $'k=\u0301x=y' | cmp - links/a
fails 64 envcrypt encrypt links/a -o - -c $'aws-crypto-\u0301=y'
says reserved
absent
