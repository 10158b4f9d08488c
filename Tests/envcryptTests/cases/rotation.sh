# A rotated key has a new version, which wraps. The old versions open what they wrapped.
echo text > a
id=$(envcrypt key create --alias alias/x)
envcrypt encrypt a -k alias/x -o 1.envc
envcrypt kms encrypt --key-id alias/x --plaintext fileb://a | json 'j["CiphertextBlob"]' > blob
envcrypt inspect 1.envc | matches -F "$id/1"
envcrypt key rotate alias/x
envcrypt encrypt a -k alias/x -o 2.envc
envcrypt inspect 2.envc | matches -F "$id/2"
envcrypt inspect 1.envc | matches -F alias/x
cp 1.envc before
for n in 1 2; do envcrypt decrypt $n.envc -o - | cmp - a; envcrypt decrypt $n.envc -k "$id" -o - | cmp - a; done
cmp 1.envc before
envcrypt kms decrypt --ciphertext-blob file://blob --key-id alias/x | json 'j["Plaintext"]' | base64 -d | cmp - a
envcrypt key describe alias/x > shown
grep -E '^version +1, created' shown; grep -E '^version +2, created .*, rotated ON_DEMAND' shown
[ "$(grep -c '^version' shown)" = 2 ]
envcrypt key rotation list alias/x | matches -E '^2.* ON_DEMAND +CURRENT '
envcrypt key rotation list alias/x --json | json '[r["RotationType"] for r in j["Rotations"]]' | matches -xF "['ON_DEMAND']"
envcrypt kms list-key-rotations --key-id alias/x --include-key-material ALL_KEY_MATERIAL |
  json '[r["KeyMaterialState"] for r in j["Rotations"]], len({r["KeyMaterialId"] for r in j["Rotations"]})' |
  matches -xF "(['NON_CURRENT', 'CURRENT'], 2)"

# Re-encrypting moves a message to the new version. Only messages under an old version are changed.
[ "$(envcrypt reencrypt -n 1.envc 2.envc -k alias/x)" = 1.envc ]
cp 1.envc moved.envc; envcrypt reencrypt moved.envc -k alias/x
envcrypt inspect moved.envc | matches -F "$id/2"; envcrypt decrypt moved.envc -o - | cmp - a

# The exported key has both versions, opens both messages without a keystore, and can be imported completely.
envcrypt key export alias/x -o x.json 2>/dev/null
json '[k["key-id"] for k in j["keys"]], len({k["material"] for k in j["keys"]})' < x.json | matches -xF "(['$id/1', '$id/2'], 2)"
for n in 1 2; do envcrypt decrypt $n.envc --keyring x.json --keystore missing.db -o - | cmp - a; done
envcrypt init -q --protector none --keystore other.db
[ "$(envcrypt key import x.json --keystore other.db --alias alias/x)" = "$id" ]
for n in 1 2; do envcrypt decrypt $n.envc --keystore other.db -o - | cmp - a; done
envcrypt encrypt a -k alias/x --keystore other.db -o 3.envc
envcrypt inspect 3.envc | matches -F "$id/2"; envcrypt decrypt 3.envc -o - | cmp - a
# An export from before the rotation opens only messages from before it.
envcrypt key rotate alias/x; envcrypt encrypt a -k alias/x -o 4.envc
fails 69 envcrypt decrypt 4.envc --keystore other.db -o out; absent out

# Automatic rotation.
[ "$(envcrypt key rotation status alias/x)" = off ]
envcrypt key describe alias/x | matches -E '^rotation +off'
fails 64 envcrypt key rotation enable alias/x --days 2561
before=$(date -u -d '+90 days' +%F)
envcrypt key rotation enable alias/x --days 90
# The date may change in the meantime.
after=$(date -u -d '+90 days' +%F)
envcrypt key rotation status alias/x | matches -E "^every 90 days, next ($before|$after)"
envcrypt key rotation status alias/x --json | json 'j["KeyRotationEnabled"], j["RotationPeriodInDays"]' | matches -xF '(True, 90)'
envcrypt key rotation disable alias/x
[ "$(envcrypt key rotation status alias/x)" = off ]
for spec in RSA_2048 HMAC_256; do
  envcrypt key create --spec $spec --alias alias/$spec > /dev/null
  fails 69 envcrypt key rotate alias/$spec; says UnsupportedOperationException
  fails 69 envcrypt key rotation enable alias/$spec; says UnsupportedOperationException
done

# The key that init created belongs to the keystore itself: it rotates automatically and cannot be changed.
envcrypt key describe alias/default > shown
grep -E '^manager +AWS' shown; grep -E '^rotation +every 365 days, next 2' shown
envcrypt kms get-key-rotation-status --key-id alias/default | json 'j["KeyRotationEnabled"], j["RotationPeriodInDays"]' | matches -xF '(True, 365)'
for refused in 'schedule-deletion -y' disable enable rotate 'rotation disable' 'update --description x'; do
  fails 77 envcrypt key ${refused%% *} $([ "$refused" = "${refused#* }" ] || echo ${refused#* }) alias/default
  says AccessDeniedException
done
fails 77 envcrypt key tag alias/default a=b; says AccessDeniedException
envcrypt encrypt a -o default.envc; envcrypt decrypt default.envc -o - | cmp - a
envcrypt key describe alias/x | matches -E '^manager +CUSTOMER'
