# What happens between the naming of an output and the removal of its input: the input stays if the output is not the one
# that was written or cannot be verified, or if the input is not what was read.
if ! command -v strace >/dev/null || ! strace -qq -o /dev/null true 2>/dev/null; then
  skipped 'strace cannot stop a process here'
  exit 0
fi
random 700000 >whole

# meanwhile CHANGE COMMAND...: runs the command, and the change when the first output has just got its name. The status
# is in $status, messages are in ./stderr.
meanwhile() {
  local change=$1 tracer stopped; shift
  rm -f trace
  strace -f -qq -o trace -e trace=linkat -e inject=linkat:signal=STOP:when=1 "$@" 2>stderr & tracer=$!
  await grep -qs 'stopped by SIGSTOP' trace
  stopped=$(sed -n 's/ .*stopped by SIGSTOP.*//p' trace | head -1)
  eval "$change"
  ended() { kill -CONT "$stopped" 2>/dev/null || true; if kill -0 "$tracer" 2>/dev/null; then return 1; fi; }
  await ended
  status=0; wait "$tracer" || status=$?
}
begin() { rm -rf a a.envc b other; cp whole a; touch -d '2024-05-01' a; }
stays() { [ "$status" = "$1" ] || { echo "status $status"; cat stderr; return 1; }; [ -e "${3-a}" ]; says "${3-a} was not removed: $2"; }
encrypt() { begin; meanwhile "$1" envcrypt encrypt -j 1 --rm a; }
decrypt() { begin; envcrypt encrypt -q --rm a; meanwhile "$1" envcrypt decrypt -j 1 --rm a.envc; }

encrypt true; [ $status = 0 ]; absent a
decrypt true; [ $status = 0 ]; absent a.envc; cmp a whole

# The output is damaged, also without a new time; cut off; replaced, even by an equal file; removed; renamed.
encrypt 'flip a.envc 300000'; stays 65 'a.envc: '; cmp a whole
encrypt 'cp -p a.envc other; flip a.envc 300000; touch -r other a.envc'; stays 65 'a.envc: '; cmp a whole
encrypt 'truncate -s -1 a.envc'; stays 65 'a.envc: truncated'
encrypt 'echo >>a.envc'; stays 65 'a.envc: there is more data'
encrypt 'mv a.envc b; cp -p b a.envc'; stays 74 'a.envc is not the file that was written'
encrypt 'rm a.envc'; stays 74 'a.envc is not the file that was written'; cmp a whole
encrypt 'mv a.envc b; ln -s b a.envc'; [ $status != 0 ]; cmp a whole; says 'a was not removed: a.envc is a symbolic link'
encrypt 'mv a.envc b; mkfifo a.envc'; [ $status != 0 ]; cmp a whole; says 'a was not removed'
# A good message of another file in the same place.
encrypt 'echo x >b; envcrypt encrypt b -o other; cat other >a.envc'; stays 65 'a.envc has other contents'; cmp a whole
decrypt 'flip a 300000'; stays 65 'a has other contents' a.envc
decrypt 'cp -p a other; flip a 0; touch -r other a'; stays 65 'a has other contents' a.envc
decrypt 'truncate -s -1 a'; stays 65 'a has other contents' a.envc; decrypt 'echo >>a'; stays 65 'a has other contents' a.envc
decrypt 'rm a'; stays 74 'a is not the file that was written' a.envc; envcrypt decrypt a.envc -o - | cmp - whole

# The input changes: its bytes, also without a new time; its mode; its name is that of another file, or of a link.
encrypt 'echo more >>a'; stays 3 'it changed after it was read'; [ "$(tail -c 5 a)" = more ]
encrypt 'cp -p a other; flip a 5; touch -r other a'; stays 3 'it changed after it was read'
encrypt 'chmod 600 a'; stays 3 'it changed'
encrypt 'mv a b; cp -p b a'; stays 3 'it changed'; cmp a whole; cmp b whole
encrypt 'mv a b; ln -s b a'; stays 3 'it changed'; [ -L a ]; cmp b whole
encrypt 'mv a b'; [ $status = 3 ]; cmp b whole
encrypt 'mv a b; mkdir a'; [ $status != 0 ]; [ -d a ]; cmp b whole
encrypt 'ln a b'; stays 3 'it changed'
decrypt 'flip a.envc 300000'; stays 3 'it changed' a.envc
decrypt 'cp -p a.envc other; flip a.envc 9; touch -r other a.envc'; stays 3 'it changed' a.envc
# An input that changes while it is read: as without --rm, with a warning, and it stays. strace stops the second read: the first one looks if the file is a keystore.
begin; rm -f trace
strace -f -qq -o trace -P "$PWD/a" -e trace=read,pread64 -e inject=read,pread64:signal=STOP:when=2 envcrypt encrypt -j 1 --rm a 2>stderr & tracer=$!
await grep -qs 'stopped by SIGSTOP' trace; stopped=$(sed -n 's/ .*stopped by SIGSTOP.*//p' trace | head -1); flip a 699999
ended() { kill -CONT "$stopped" 2>/dev/null || true; if kill -0 "$tracer" 2>/dev/null; then return 1; fi; }
await ended; status=0; wait "$tracer" || status=$?
[ $status = 3 ]; says 'a changed while it was read'; [ -e a ]; [ "$(wc -l <stderr)" = 1 ]

# A directory takes the place of the one that the input was in: nothing in it is touched. Neither is anything by way of a link.
begin; rm -rf d moved; mkdir d; cp whole d/f
meanwhile 'mv d moved; mkdir d; echo precious >d/f; echo precious >d/f.envc' envcrypt encrypt -j 1 --rm d/f
[ $status = 0 ]; [ "$(cat d/f d/f.envc)" = $'precious\nprecious' ]; absent moved/f; envcrypt decrypt moved/f.envc -o - | cmp - whole
rm -rf d moved out; mkdir -p d/e; cp whole d/e/f
meanwhile 'mv d/e moved; mkdir precious; echo precious >precious/f; ln -s ../precious d/e' envcrypt encrypt -j 1 --rm -R d -o out
[ $status = 0 ]; [ "$(cat precious/f)" = precious ]; absent moved/f; envcrypt decrypt out/d/e/f.envc -o - | cmp - whole
# The same if names of the input wait for the end of the run.
rm -rf d moved out precious; mkdir -p d/e; cp whole d/e/f; ln d/e/f d/g
meanwhile 'mv d/e moved; mkdir precious; echo precious >precious/f; ln -s ../precious d/e' envcrypt encrypt -j 1 --rm -R d -o out
[ $status != 0 ]; [ "$(cat precious/f)" = precious ]; cmp moved/f whole

# New directories of the output that do not get to the disk: the third call is for those above the output.
begin; fails 74 strace -f -qq -o /dev/null -e trace=fsync,syncfs -e inject=fsync,syncfs:error=EIO:when=3+ envcrypt encrypt -j 1 --rm a -o new/er/
says 'a was not removed: the directories of the outputs may not be on the disk'; cmp a whole; envcrypt verify -q new/er/a.envc
