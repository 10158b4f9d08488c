# No file or '-' means from standard input to standard output. -o names an output file.
random 200000 > a
envcrypt encrypt < a | envcrypt decrypt | cmp - a
envcrypt encrypt - < a | envcrypt decrypt - | cmp - a
cat a | envcrypt encrypt -o a.envc
envcrypt decrypt a.envc -o - | cmp - a
envcrypt decrypt -o b < a.envc
cmp a b
envcrypt encrypt a -o /dev/null
tar c a | envcrypt encrypt -o a.tar.envc
envcrypt decrypt a.tar.envc -o - | tar x -O | cmp - a
: | envcrypt encrypt | envcrypt decrypt | cmp - /dev/null
