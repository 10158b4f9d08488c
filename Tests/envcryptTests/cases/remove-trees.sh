# --rm with trees: files go, one by one, and come back as they were. Directories and links stay.
mkdir -p tree/sub/deep tree/none out back
for i in $(seq 40); do random $((i * i * 300)) >tree/sub/f$i; done
: >tree/sub/empty; echo x >tree/x; ln tree/x tree/sub/y; ln tree/x tree/sub/deep/z; ln tree/sub/f7 tree/a7; ln -s sub/f1 tree/link
chmod 640 tree/x; chmod 750 tree/sub/deep; find tree -exec touch -h -d '2024-01-02 03:04:05.678901234' {} +
cp -a tree kept
same() { diff -r --no-dereference kept "$1"; [ "$(cd kept && find . -printf '%P %y %m %n %T@\n' | sort)" = "$(cd "$1" && find . -printf '%P %y %m %n %T@\n' | sort)" ]; }
entries() { (cd "$1" && find . ! -type f | sort); }

envcrypt encrypt -R --rm tree -o out 2>stderr; says '45 files done, 1 symbolic link, 45 inputs removed'; [ "$(wc -l <stderr)" = 1 ]
[ -z "$(find tree -type f)" ]; [ "$(entries tree)" = "$(entries kept)" ]
envcrypt verify -q -R out; cp -a out sealed
envcrypt decrypt -R --rm --json -j 3 out/tree/ -o back/tree >report; [ -z "$(find out -type f)" ]; same back/tree
python3 - <<'P'
import json
lines = [json.loads(line) for line in open('report')]
files = [line for line in lines if line.get('Result') == 'done']
assert len(files) == 45 and all(line['Removed'] for line in files) and lines[-1]['Removed'] == 45, lines[-1]
assert not any('Removed' in line for line in lines[:-1] if line['Result'] != 'done')
P
# Each message was opened for its verification, too, except further names of an output; a record tells of it.
envcrypt encrypt -q -R --rm back/tree -o out; envcrypt decrypt -q -R --rm out/tree/ -o back/tree -f; same back/tree; rm -r out
envcrypt keystore audit --json | grep -c '"Decrypt"' >count; [ "$(cat count)" -ge 120 ]

# Beside the inputs, there and back, twice. Messages without a source are expected then.
cp -a kept beside
envcrypt encrypt -R --rm beside 2>stderr; says '45 inputs removed'; [ -z "$(find beside -type f ! -name '*.envc')" ]
echo new >beside/new; envcrypt encrypt -R --rm beside 2>stderr; says '1 input removed'; ! grep warning stderr || exit 1; rm beside/new.envc
envcrypt decrypt -R --rm beside 2>stderr; says '45 inputs removed'; [ -z "$(find beside -name '*.envc')" ]; diff -r --no-dereference kept beside
[ "$(cd kept && find . -type f -printf '%P %m %n %T@\n' | sort)" = "$(cd beside && find . -type f -printf '%P %m %n %T@\n' | sort)" ]

# Names of a file outside the tree keep the contents: a warning says so, once.
cp -a kept part; ln part/x outside; ln part/sub/f9 outside9
envcrypt encrypt -R --rm part -o out 2>stderr; says 'had other names (hard links), which still have the contents'; [ "$(grep -c warning stderr)" = 1 ]
[ -z "$(find part -type f)" ]; [ "$(stat -c %h outside outside9 | tr -d '\n')" = 11 ]; cmp outside kept/x

# What exists already, and what fails, stays with its input; the rest goes.
rm -r out part; cp -a kept part; mkdir -p out/part/sub; echo mine >out/part/sub/f3.envc; echo mine >out/part/sub/y.envc
fails 73 envcrypt encrypt -R --rm part -o out; says '43 files done'; says '2 failed, 43 inputs removed'
[ "$(cd part && find . -type f | sort)" = $'./sub/f3\n./sub/y' ]; [ "$(cat out/part/sub/f3.envc)" = mine ]
rm -r out; cp -a sealed out; flip out/tree/sub/f20.envc 3000; rm -rf back
fails 65 envcrypt decrypt -R --rm out/tree -o back; [ "$(find out -type f)" = out/tree/sub/f20.envc ]; rm back/tree/x back/tree/sub/y back/tree/sub/deep/z

# Few descriptors, many files, many directories, hard links among them.
mkdir many; for n in $(seq 150); do mkdir many/$n; echo $n >many/$n/m; ln many/$n/m many/$n/n; done; cp -a many many.kept
(ulimit -n 100; envcrypt encrypt -R --rm many -o out 2>stderr); says '300 inputs removed'; [ -z "$(find many -type f)" ]
(ulimit -n 100; envcrypt decrypt -R --rm out/many/ -o many -f 2>stderr); says '300 inputs removed'; diff -r many many.kept; [ -z "$(find many -type f -links 1)" ]

# A run that was killed is started again, with --update, and does what is left. No file is lost.
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
  for call in linkat unlinkat; do
    for count in 1 17 40; do
      rm -rf trial out; cp -a kept trial
      strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$count envcrypt encrypt -q -R --rm --update trial -o out || true
      envcrypt encrypt -q -R --rm --update trial -o out; [ -z "$(find trial -type f)" ]; rm -r trial
      strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$count envcrypt decrypt -q -R --rm --update out/trial/ -o trial || true
      envcrypt decrypt -q -R --rm --update out/trial/ -o trial 2>stderr || says 'no messages'
      diff -r --no-dereference kept trial; [ -z "$(find out -type f)" ]; absent none
    done
  done
  # If the disk fails, no input is removed: neither that of the output nor, if a directory fails, any that waits for it.
  rm -rf trial out; cp -a kept trial
  fails 74 strace -f -qq -o /dev/null -e trace=fsync,syncfs -e inject=fsync,syncfs:error=EIO envcrypt encrypt -q -R --rm trial -o out; diff -r kept trial
else
  skipped 'strace cannot inject signals here'
fi
