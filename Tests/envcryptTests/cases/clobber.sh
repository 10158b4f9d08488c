# Nothing is overwritten without -f, and a failure never changes an existing file.
echo one > a; envcrypt encrypt a; cp a.envc first
fails 73 envcrypt encrypt a
says '--force'
cmp a.envc first
envcrypt encrypt -f a
fails 1 cmp -s a.envc first
echo kept > a
head -c 100 a.envc > broken.envc
fails 65 envcrypt decrypt -f -o a broken.envc
[ "$(cat a)" = kept ]
absent
