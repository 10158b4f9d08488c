# decrypt --stdout: several messages one after the other, in the order of their names, as gzip -dc.
for n in 1 2 3 4 5 6 7 8; do random $((n * 90000)) > f$n; done
envcrypt encrypt f*
cat f3 f1 f2 f8 f7 f6 f5 f4 > wanted
envcrypt decrypt -j4 --stdout f3.envc f1.envc f2.envc f8.envc f7.envc f6.envc f5.envc f4.envc | cmp - wanted
envcrypt decrypt --stdout f3.envc f1.envc f2.envc f8.envc f7.envc f6.envc f5.envc f4.envc > joined; cmp joined wanted
(cat f5; envcrypt decrypt --stdout f1.envc f2.envc) > joined; cat f5 f1 f2 | cmp - joined
envcrypt decrypt --stdout f2.envc - < f1.envc | cmp - <(cat f2 f1)
envcrypt decrypt --stdout < f1.envc | cmp - f1
envcrypt decrypt --stdout f1.envc | cmp - f1
envcrypt decrypt --stdout --offset 10 --length 5 f1.envc | cmp - <(tail -c +11 f1 | head -c 5)
printf '%s\n' f2.envc f1.envc | envcrypt decrypt --stdout --files-from - | cmp - <(cat f2 f1)
mkdir -p tree/sub; mv f1.envc tree/a.envc; mv f2.envc tree/sub/b.envc; envcrypt encrypt f1 f2
envcrypt decrypt -R --stdout tree | cmp - <(cat f1 f2)
absent tree/a tree/sub/b

# A bad message ends where its last good frame ends; the next ones follow.
flip f7.envc 600000
fails 65 envcrypt decrypt --stdout f1.envc f7.envc nosuch.envc f2.envc > joined
says 'f7.envc'; says 'nosuch.envc'; says '2 files done, 2 failed'
python3 - <<'P'
joined = open("joined", "rb").read(); f1, f2, f7 = (open(f"f{n}", "rb").read() for n in (1, 2, 7))
middle = joined[len(f1):-len(f2)]
assert joined.startswith(f1) and joined.endswith(f2) and f7.startswith(middle) and 0 < len(middle) < len(f7)
P
fails 66 envcrypt decrypt --stdout nosuch.envc f2.envc > joined; cmp joined f2

# No gap without an end: once standard output takes no more, nothing follows.
if [ -w /dev/full ]; then
  fails 74 envcrypt decrypt --stdout f1.envc f2.envc > /dev/full
  [ "$(grep -c 'error: ' stderr)" = 1 ]
fi
set +o pipefail; envcrypt decrypt --stdout f*.envc 2>stderr | head -c 1 | cmp - <(head -c 1 f1); set -o pipefail
fails 64 envcrypt decrypt --stdout -o x f1.envc; says 'cannot be used together'; absent x
fails 64 envcrypt decrypt f1.envc f2.envc -o -; says 'hint: --stdout'
