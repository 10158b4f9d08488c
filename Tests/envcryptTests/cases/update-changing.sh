# A message of a file that changes while it is read does not get the time of the file, so the next run with --update
# makes it again.
if ! command -v strace >/dev/null || ! strace -qq -o /dev/null true 2>/dev/null; then
  skipped 'strace cannot stop a process here'
  exit 0
fi
random 3000000 >big
touch -d '2024-05-01' big

# The process stops at its first read of the file.
strace -f -qq -o trace -P "$PWD/big" -e trace=read,pread64 -e inject=read,pread64:signal=STOP:when=1 \
  envcrypt encrypt -j 1 --update big 2>notes & tracer=$!
await grep -qs 'stopped by SIGSTOP' trace
stopped=$(sed -n 's/ .*stopped by SIGSTOP.*//p' trace | head -1)
# Size and time stay the same.
printf x | dd of=big bs=1 conv=notrunc status=none
touch -d '2024-05-01' big
ended() {
  kill -CONT "$stopped" 2>/dev/null || true
  if kill -0 "$tracer" 2>/dev/null; then return 1; fi
}
await ended
status=0; wait $tracer || status=$?
[ $status = 3 ]
grep -qF 'big changed while it was read' notes
[ "$(stat -c %Y big.envc)" != "$(stat -c %Y big)" ]

envcrypt encrypt -q --update big
[ "$(stat -c %y big.envc)" = "$(stat -c %y big)" ]
envcrypt decrypt big.envc -o - | cmp - big
