before() { needs restic openssl; }

after() {
  diff -r srv/data "mnt/restored$PWD/srv/data"
  # The password is needed, and it is not in the clear anywhere.
  RESTIC_PASSWORD_COMMAND='echo wrong' fails 1 restic snapshots
  envcrypt decrypt -o password etc/envcrypt/restic.envc
  fails 1 grep -rqF -f password --exclude=password .
}
