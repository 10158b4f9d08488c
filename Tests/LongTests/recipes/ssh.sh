before() { start_nas; }

after() {
  diff -r srv/data mnt/restored/data
  [ "$(ls nas)" = data.tar.envc ]
  [ "$(stat -c %a nas/data.tar.envc)" = 600 ]
  fails 1 grep -q 'a note' nas/data.tar.envc
}
