# Outputs are synchronized to disk in batches. This works with few descriptors, with small batches, and in a directory
# that cannot be read.
for d in $(seq 40); do mkdir -p tree/$d; for n in 1 2 3 4 5 6 7 8 9 10; do echo "$d $n" > tree/$d/$n; done; done
for limit in 30 60 90 130 200; do
  rm -rf bk back; mkdir bk back
  (ulimit -n $limit; envcrypt encrypt -R tree -o bk -j 3 2>stderr); says 'envcrypt: 400 files done'
  [ "$(wc -l < stderr)" = 1 ]
  (ulimit -n $limit; envcrypt encrypt -f -R tree -o bk -j 1 2>stderr); says '400 files done'
  (ulimit -n $limit; envcrypt decrypt -R bk/tree -o back -j 3 2>stderr); says '400 files done'
  diff -r tree back/tree
done
(ulimit -n 60; envcrypt reencrypt --force -R bk -k alias/default -j 3 2>stderr); says '400 files done'
envcrypt keystore check >/dev/null
envcrypt verify -q -R bk
# With many threads.
(ulimit -n 200; envcrypt encrypt -q -f -R tree -o bk -j 40)

# --no-sync, for every command that writes files.
rm -rf bk back; mkdir bk back
envcrypt encrypt -q --no-sync -R tree -o bk; envcrypt decrypt -q --no-sync -R bk/tree -o back; diff -r tree back/tree
envcrypt reencrypt -q --no-sync --force -R bk -k alias/default; envcrypt verify -q -R bk
echo text > a; envcrypt encrypt --no-sync a; rm a; envcrypt decrypt --no-sync a.envc; [ "$(cat a)" = text ]
rsa=$(envcrypt key create --spec RSA_2048)
envcrypt key export alias/default --no-sync -o e.json 2>/dev/null; envcrypt key public-key "$rsa" --no-sync -o p.pem
envcrypt data-key generate --no-plaintext --no-sync -o k; [ -s e.json ]; [ -s p.pem ]; [ -s k ]

# Finished files appear before the tool waits for a pipe, which may take forever.
mkfifo pipe; mkdir shown
envcrypt encrypt -q a tree/1/1 pipe -o shown & tool=$!
for _ in $(seq 600); do [ -e shown/a.envc ] && [ -e shown/1.envc ] && break; sleep 0.05; done
[ -e shown/a.envc ]; [ -e shown/1.envc ]
echo piped > pipe; wait $tool
envcrypt decrypt -o - shown/pipe.envc | matches piped

# A directory that may be written but not read. (Root can read everything.)
mkdir blind; chmod 300 blind
envcrypt encrypt -q a -o blind/a.envc; envcrypt encrypt -q -R tree/1 -o blind
cp a blind/b; envcrypt encrypt -q -f a tree/1/1 -o blind
chmod 700 blind; envcrypt verify -q blind/a.envc; [ "$(ls blind/1 | wc -l)" = 10 ]
[ -z "$(find . -name '.envcrypt-*')" ]
