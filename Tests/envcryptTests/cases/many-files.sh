# Hundreds of small files are all done and reported in order, and one bad file among them is reported.

mkdir -p tree/a tree/b/c
for i in $(seq 300); do
  echo "file $i" >tree/a/$i
  echo "other $i" >tree/b/c/$i
done
random 3000000 >tree/b/large
mkdir out back
envcrypt encrypt -R tree -o out 2>messages
grep -qF '601 files done' messages
envcrypt decrypt -R out/tree -o back 2>/dev/null
diff -r tree back/tree
envcrypt verify -R out >names 2>/dev/null
[ "$(wc -l <names)" = 601 ]
LC_ALL=C sort -c names
# No two messages share a data key or message ID.
[ "$(find out -name '*.envc' -size -4 -exec sh -c 'head -c 35 "$1" | tail -c 32 | od -An -v -tx1 -w32' - {} \; |
  sort | uniq -d | wc -l)" = 0 ]

# One bad file does not stop the others, but determines the exit status.
flip out/tree/a/50.envc 180
rm -rf back
mkdir back
fails 65 envcrypt decrypt -R out/tree -o back
says 'out/tree/a/50.envc: '
says '600 files done, 1 failed'
[ ! -e back/tree/a/50 ]
[ "$(find back -type f | wc -l)" = 600 ]
find out/tree/b/c -name '*.envc' -print0 | sort -z >list
rm -rf back
mkdir back
envcrypt decrypt --files-from list -0 -o back 2>/dev/null
[ "$(find back -type f | wc -l)" = 300 ]

# Progress over all files, on request.
envcrypt verify --progress -R out/tree/b 2>messages >/dev/null
