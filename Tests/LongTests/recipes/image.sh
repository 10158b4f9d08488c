before() {
  needs nbdkit nbdcopy
  random 3000000 >disk.img
  truncate -s 3145728 disk.img
}

after() {
  cmp disk.img copy.img
  cmp block <(tail -c +1048577 disk.img | head -c 4096)
  [ "$(nbdkit sh ./nbd-envcrypt file=disk.img.envc --run 'nbdinfo --size "$uri"')" = 3145728 ]
  # The plugin reports a damaged part.
  flip disk.img.envc 2000000
  fails 1 nbdkit sh ./nbd-envcrypt file=disk.img.envc --run 'nbdcopy "$uri" damaged.img'
}
