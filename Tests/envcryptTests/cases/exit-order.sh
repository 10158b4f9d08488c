# The exit status of a run does not depend on the order of its inputs: the first of 65, 77, 69, 78, 70, 71, 74, 73, 64, 66,
# 3 that occurred.

for n in good damaged denied disabled exists; do random 3000 > $n; done
envcrypt key create --alias alias/denied > denied.id; envcrypt key create --alias alias/disabled > disabled.id
envcrypt encrypt good damaged exists; envcrypt encrypt -k alias/denied denied; envcrypt encrypt -k alias/disabled disabled
flip damaged.envc 2000
cat > deny.json <<'J'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}]}
J
envcrypt key policy put alias/denied deny.json
envcrypt key disable alias/disabled
rm good damaged denied disabled
cp good.envc noname

# 65 damaged, 77 denied, 69 disabled, 73 the output exists, 64 no name for the output, 66 missing.
names=(damaged.envc denied.envc disabled.envc exists.envc noname missing.envc)
statuses=(65 77 69 73 64 66)
for first in 0 1 2 3 4 5; do
  for ((other = first; other < 6; other++)); do
    fails ${statuses[first]} envcrypt decrypt good.envc "${names[first]}" "${names[other]}"; rm good
    fails ${statuses[first]} envcrypt decrypt "${names[other]}" "${names[first]}" good.envc; rm good
  done
done
fails 65 envcrypt verify missing.envc damaged.envc good.envc
[ "$(grep -c 'error: ' stderr)" = 2 ]; says 'error: damaged.envc: not authentic'; says 'missing.envc'
says '1 file done, 2 failed'
fails 65 envcrypt inspect missing.envc exists good.envc > shown
matches 'good.envc' < shown

# An error names its file, even if the name is a part of the message.
cp damaged.envc a; cp damaged.envc the
fails 65 envcrypt verify a the; says 'error: a: not authentic'; says 'error: the: not authentic'
fails 65 envcrypt verify a; says 'error: a: not authentic'
