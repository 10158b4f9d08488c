# An exported key opens messages without the keystore and can be imported into another one.
for spec in SYMMETRIC_DEFAULT RSA_2048; do
  envcrypt key create --spec "$spec" --alias "alias/$spec" > id
  echo "$spec" > a; envcrypt encrypt -f a -k "alias/$spec"
  envcrypt key export "alias/$spec" -o "$spec.json" 2>stderr
  says 'unencrypted'; [ "$(stat -c %a "$spec.json")" = 600 ]
  envcrypt decrypt a.envc -o - --keystore missing.db --keyring "$spec.json" | cmp - a
  rm -f other.db; envcrypt init -q --protector none --keystore other.db
  [ "$(envcrypt key import "$spec.json" --keystore other.db --alias alias/back)" = "$(cat id)" ]
  envcrypt decrypt a.envc -o - --keystore other.db | cmp - a
  fails 73 envcrypt key import "$spec.json"; says AlreadyExistsException; says "key $(cat id) already exists"
  envcrypt encrypt -f a --keyring "$spec.json" --keystore missing.db
  envcrypt decrypt a.envc -o - | cmp - a
done
echo '{}' > broken; fails 78 envcrypt decrypt a.envc -o - --keyring broken; says "has no 'keys'"
