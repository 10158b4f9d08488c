# Names from a list, separated by line feeds or by NUL.
random 10 > a; random 10 > 'b c'; random 10 > $'d\ne'
printf 'a\nb c\n' > list
envcrypt encrypt -q --files-from list
printf 'd\ne\0' | envcrypt encrypt -q -0 --files-from -
mkdir out
find . -name '*.envc' -print0 | envcrypt decrypt -q -0 --files-from - -o out
cmp a out/a; cmp 'b c' 'out/b c'; cmp $'d\ne' $'out/d\ne'
fails 64 envcrypt encrypt -0 a
