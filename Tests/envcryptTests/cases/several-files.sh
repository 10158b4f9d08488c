# One bad file is reported and does not stop the others. The exit status reports it.
for n in 1 2 3; do random 5000 > f$n; done
envcrypt encrypt f1 f2 f3
printf x >> f2.envc
mkdir out
fails 65 envcrypt decrypt f1.envc f2.envc f3.envc -o out
says 'f2.envc: there is more data'
cmp f1 out/f1; cmp f3 out/f3; absent out/f2
fails 64 envcrypt decrypt f1.envc f3.envc -o -
says 'hint: --stdout writes them'
mkdir sub; cp f1 sub/f1
rm -r out; mkdir out
fails 73 envcrypt encrypt -f f1 sub/f1 -o out
says 'already written in this run'
fails 65 envcrypt verify f1.envc f2.envc f3.envc > verified
[ "$(cat verified)" = $'f1.envc: OK\nf3.envc: OK' ]
