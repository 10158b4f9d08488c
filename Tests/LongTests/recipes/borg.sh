before() {
  needs borg openssl
  export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=no BORG_RELOCATED_REPO_ACCESS_IS_OK=no
}

after() {
  cd "$top"
  diff -r srv/data "mnt/restored$PWD/srv/data"
  BORG_PASSCOMMAND='echo wrong' fails 2 borg list
}
