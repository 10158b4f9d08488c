# The properties that a message shows without any key or passphrase.
random 200000 > a
envcrypt encrypt a --sign -c k=v --frame-length 1000
out=$(envcrypt inspect --json a.envc | json '(lambda m: (m["AlgorithmSuite"]["Id"], m["FrameLength"], m["FrameCount"], m["PlaintextSize"], m["Signed"], m["EncryptionContext"]["k"], m["EncryptedDataKeys"][0]["Aliases"]))(j["Messages"][0])')
[ "$out" = "('0x0578', 1000, 201, 200000, True, 'v', ['alias/default'])" ]
envcrypt inspect a.envc --keystore missing.db | matches 'wrapped under   envcrypt '
envcrypt inspect < <(cat a.envc) | matches 'is not seekable'
envcrypt decrypt a.envc -o - | cmp - a
fails 65 envcrypt decrypt --unsigned-only a.envc -o -
for length in 1 16 4096 1048576; do
  head -c 5000 a | envcrypt encrypt --frame-length "$length" -o f.envc -f
  envcrypt inspect --json f.envc | json 'j["Messages"][0]["PlaintextSize"]' | matches -x 5000
  envcrypt decrypt f.envc -o - | cmp - <(head -c 5000 a)
done
