# /dev/stdin and <(...) have no name of their own: the output goes to standard output, as without a name.
random 5000 > a
cat a | envcrypt encrypt /dev/stdin > b; envcrypt decrypt b -o - | cmp - a
envcrypt encrypt /dev/stdin < a > b; envcrypt decrypt /dev/stdin < b | cmp - a
envcrypt encrypt <(cat a) > b; envcrypt decrypt <(cat b) | cmp - a
envcrypt encrypt /proc/self/fd/5 5< a > b; envcrypt decrypt /dev/fd/5 5< b | cmp - a
envcrypt encrypt //dev/./fd/5 5< a | envcrypt decrypt | cmp - a
envcrypt encrypt <(cat a) -o c; envcrypt decrypt c -o - | cmp - a
envcrypt verify <(cat c) | matches ': OK'
cp c old; envcrypt reencrypt -f /dev/stdin < c > new; cmp c old; envcrypt decrypt < new | cmp - a; ! cmp -s new c || exit 1
# Beside named files, as '-'; but no two on one standard output.
cp a named; envcrypt encrypt named <(cat a) > b; envcrypt decrypt named.envc -o - | cmp - a; envcrypt decrypt < b | cmp - a
fails 64 envcrypt encrypt <(cat a) <(cat a); says 'several outputs cannot all go to standard output'
fails 64 envcrypt encrypt - /dev/stdin < a
mkdir out
fails 64 envcrypt encrypt <(cat a) -o out; says 'has no name of its own'; says 'hint: name the output'
[ -z "$(ls out)" ]
# Nothing is made beside a device, whose directory is /dev.
fails 64 envcrypt encrypt /dev/null a; says '/dev/null is a device'; says 'hint: name the output'; [ -e a.envc ]
[ ! -e /dev/null.envc ]; ln -s /dev/null null; fails 64 envcrypt encrypt null; absent null.envc
envcrypt encrypt /dev/null -o - | envcrypt decrypt | cmp - /dev/null
envcrypt encrypt /dev/null -o out; envcrypt decrypt out/null.envc -o - | cmp - /dev/null
# A pipe with a name has one.
mkfifo pipe; cat a > pipe & envcrypt encrypt pipe; wait; envcrypt decrypt pipe.envc -o - | cmp - a
