# An append that fails halfway leaves the log as it was.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
echo text >f
# Entries that end shortly before a whole number of kilobytes: the next one does not fit into a limit of that size.
tries=0
until envcrypt encrypt f -o - >/dev/null; size=$(stat -c %s "$log"); [ $((size % 1024)) -gt 900 ]; do
  tries=$((tries + 1)); [ $tries -lt 200 ]
done
cp "$log" before
limit=$((size / 1024 + 1))
status=0; (ulimit -f $limit; exec envcrypt encrypt f -o -) 2>stderr >/dev/null || status=$?
[ "$status" = 74 ]; says 'warning'
cmp "$log" before
envcrypt keystore check | matches 'all as envcrypt wrote them'
envcrypt encrypt f -o - >/dev/null
envcrypt keystore check | matches 'all as envcrypt wrote them'
# The same on a full disk.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=300k tmpfs small 2>/dev/null; then
  trap 'umount small' EXIT
  export ENVCRYPT_KEYSTORE=$PWD/small/k.db
  envcrypt init -q --protector none
  for number in 1 2 3 4 5 6; do envcrypt encrypt f -o - >/dev/null; done
  status=0; cat /dev/zero >small/filler 2>/dev/null || true
  tries=0
  until status=0; envcrypt encrypt f -o - >/dev/null 2>stderr || status=$?; [ "$status" = 74 ]; do
    tries=$((tries + 1)); [ $tries -lt 100 ]
  done
  envcrypt keystore check | matches 'all as envcrypt wrote them'
  rm small/filler
  envcrypt encrypt f -o - >/dev/null
  envcrypt keystore check | matches 'all as envcrypt wrote them'
else
  echo 'SKIPPED: a small file system needs root and mounts'
fi
