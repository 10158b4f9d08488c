# With any number of threads and any kind of input and output the same bytes come back.

random 5000000 >plain
for jobs in 1 2 3 8; do
  envcrypt encrypt -j $jobs -f plain
  envcrypt decrypt -j $jobs -o - plain.envc | cmp - plain
  envcrypt decrypt -j $jobs -f -o back plain.envc
  cmp back plain
  cat plain | envcrypt encrypt -j $jobs | cat | envcrypt decrypt -j $jobs | cmp - plain
  envcrypt encrypt -j $jobs <plain >out
  envcrypt decrypt -j $jobs <out | cmp - plain
  envcrypt verify -q -j $jobs plain.envc out
done
fails 64 envcrypt encrypt -j 0 plain
fails 64 envcrypt encrypt -j many plain

# Inputs without a length or with a wrong one.
envcrypt encrypt -o cpuinfo.envc /proc/cpuinfo
envcrypt decrypt -o - cpuinfo.envc | matches processor
envcrypt encrypt -o version.envc /proc/version
envcrypt decrypt -o - version.envc | cmp - /proc/version
truncate -s 40M sparse
envcrypt encrypt sparse
envcrypt decrypt -o - sparse.envc | cmp - sparse

# A log that is being written: its current contents are encrypted, and a warning appears if it grew in the meantime.
(for i in $(seq 200); do head -c 50000 plain; sleep 0.005; done) >log &
await test -s log
status=0
envcrypt encrypt log || status=$?
[ $status = 0 ] || [ $status = 3 ]
envcrypt decrypt -o log.part log.envc
wait
size=$(stat -c %s log.part)
[ "$size" -gt 0 ]
head -c "$size" log | cmp - log.part

# From the position up to which the shell has read, and the shell continues after it.
printf 'first\n' >file
cat plain >>file
{
  read -r line
  envcrypt encrypt -o rest.envc
  [ "$(wc -c)" = 0 ]
} <file
envcrypt decrypt -o - rest.envc | cmp - plain
# Output is appended to the existing contents.
printf 'before' >appended
envcrypt decrypt -o - plain.envc >>appended
cmp <(tail -c +7 appended) plain
