# --one-file-system and --exclude-caches: directories without what is in them.
mkdir -p src/{real,wrong,link,fifo,nested/deep} src/.git; signature='Signature: 8a477f597d28d172789f06886806bc55'
for d in src/*/ src/nested/deep; do random 10 > $d/data; done
printf '%s\n# by a test\n' "$signature" > src/real/CACHEDIR.TAG; printf %s "$signature" > src/nested/deep/CACHEDIR.TAG
printf 'Signature: 8a477f597d28d172789f06886806bc56' > src/wrong/CACHEDIR.TAG
ln -s ../real/CACHEDIR.TAG src/link/CACHEDIR.TAG; mkfifo src/fifo/CACHEDIR.TAG
list() { (cd "$1"; find . -mindepth 1 ! -type d | LC_ALL=C sort | tr '\n' ' '); }
envcrypt encrypt -R src/ -o out --exclude-caches 2>stderr; says '2 caches'
[ "$(list out)" = "./fifo/data.envc ./link/CACHEDIR.TAG ./link/data.envc ./nested/data.envc \
./nested/deep/CACHEDIR.TAG.envc ./real/CACHEDIR.TAG.envc ./wrong/CACHEDIR.TAG.envc ./wrong/data.envc " ]
envcrypt encrypt -R src/ -o all; [ -f all/real/data.envc ]
envcrypt encrypt -R src/real -o itself --exclude-caches; [ "$(list itself)" = './real/CACHEDIR.TAG.envc ' ]

# Mount points stay, without what is on them.
[ "$(id -u)" = 0 ] || { skipped 'only root can mount'; exit; }
no_user_namespaces || true
unshare --mount true 2>/dev/null || { echo 'SKIPPED: no mount namespaces here'; exit; }
unshare --mount bash -euo pipefail -c '
  mkdir src/mounted src/mounted-too; random() { head -c "$1" /dev/urandom; }
  mount -t tmpfs none src/mounted 2>/dev/null || { echo "SKIPPED: nothing can be mounted here"; exit 0; }
  random 10 > src/mounted/x; mkdir src/mounted/dir
  envcrypt encrypt -R -x src -o one 2>stderr; grep -q "1 mount point" stderr
  [ -d one/src/mounted ]; [ -z "$(ls one/src/mounted)" ]; [ -f one/src/real/data.envc ]; [ -d one/src/mounted-too ]
  envcrypt encrypt -R --one-file-system src/mounted src/real -o two; [ -f two/mounted/x.envc ]; [ -f two/real/data.envc ]
  envcrypt encrypt -R src -o three; [ -f three/src/mounted/x.envc ]
  mkdir -p in/m; mount -t tmpfs none in/m; cp two/real/data.envc in; cp two/real/data.envc in/m
  [ "$(envcrypt verify -R -x in)" = "in/data.envc: OK" ]
'
