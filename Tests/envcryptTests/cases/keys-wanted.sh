# A message that none of our keys opens: the error names the keys that it needs and those that were tried.
echo text > a; envcrypt encrypt a
wanted=$(envcrypt key describe alias/default --json | json 'j["KeyMetadata"]["KeyId"]')
envcrypt init -q --protector none --keystore other.db
fails 69 envcrypt decrypt a.envc -o b --keystore other.db
says "envcrypt $wanted/1"; says "every key of other.db"; absent b
envcrypt key create --alias alias/second > second
fails 69 envcrypt decrypt a.envc -o b -k alias/second
says "available: alias/second"
fails 69 envcrypt encrypt a -f -k alias/nobody
says NotFoundException
envcrypt encrypt a -f -k alias/default -k alias/second
envcrypt decrypt a.envc -o - -k alias/second | cmp - a
envcrypt decrypt a.envc -o - -k "$(cat second)" | cmp - a
envcrypt decrypt a.envc -o - -k alias/default | cmp - a
