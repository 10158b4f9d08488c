before() {
  needs rclone
  mkdir remote
  export RCLONE_CONFIG=$PWD/rclone.conf
  printf '[remote]\ntype = alias\nremote = %s/remote\n' "$PWD" >rclone.conf
}

after() {
  diff -r srv/data mnt/restored/data
  [ "$(cd remote/backup && find . -type f | sort | tr '\n' ' ')" = './data.tar.envc ./data/note.envc ./data/photo.envc ' ]
}
