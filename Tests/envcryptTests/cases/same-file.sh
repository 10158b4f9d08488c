# An input and an output that are the same file are refused, under any name.
echo text > a; ln a hard; ln -s a soft
fails 64 envcrypt encrypt -f a -o a
says 'same file'
fails 64 envcrypt encrypt -f a -o hard
fails 64 envcrypt encrypt -f a -o soft
status=0; envcrypt encrypt a -o - >> a 2>stderr || status=$?
[ "$status" = 64 ]
says 'same file'
[ "$(cat a)" = text ]
