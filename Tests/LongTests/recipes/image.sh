before() {
  needs nbdkit nbdcopy
  random 3000000 >disk.img
  truncate -s 3145728 disk.img
}

after() {
  cmp disk.img copy.img
  head -c 1052672 disk.img | tail -c 4096 | cmp - block
  [ "$(nbdkit -U - sh ./nbd-envcrypt file=disk.img.envc --run 'nbdinfo --size "$uri"')" = 3145728 ]
  # The plugin reports a damaged part.
  flip disk.img.envc 2000000
  fails 1 nbdkit -U - sh ./nbd-envcrypt file=disk.img.envc --run 'nbdcopy "$uri" damaged.img'
  says 'not authentic'
}
