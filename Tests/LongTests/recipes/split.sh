after() {
  diff -r srv/data mnt/restored/data
  [ -e mnt/backup/data.tar.envc.aaab ]
  # The claims of the page about pieces.
  lost() { cat mnt/backup/data.tar.envc.aaab mnt/backup/data.tar.envc.aaaa | envcrypt verify; }
  fails 65 lost
  rm mnt/backup/data.tar.envc.aaab
  cat_rest() { cat mnt/backup/data.tar.envc.* | envcrypt verify; }
  fails 65 cat_rest
}
