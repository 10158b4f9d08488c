before() {
  openssl genrsa -out bob-private.pem 2048 2>/dev/null
  chmod 600 bob-private.pem
  openssl rsa -in bob-private.pem -pubout -out bob.pem 2>/dev/null
  echo 'meet me at noon' >plan.txt
  cp plan.txt plan.orig
  # A mail system that changes line ends and adds spaces.
  printf '#!/bin/sh\nsed "s/$/ \\r/" >mail.eml\n' >usr/local/bin/sendmail
  chmod 755 usr/local/bin/sendmail
  PATH=$PWD/usr/local/bin:$PATH
}

before_restore() {
  fails 1 grep -q 'at noon' mail.eml
  # Bob has the private key, and no keystore.
  rm -r plan.txt .local
}

after() { cmp plan.orig plan.txt; }
