before() {
  needs rsync
  start_nas
}

after() {
  diff -r srv/data mnt/restored/data
  [ "$(cd nas && find . -type f | sort | tr '\n' ' ')" = './data/note.envc ./data/photo.envc ' ]
}
