# Two hundred concurrent processes on one keystore: each does its work, and no work is lost. A sanitizer makes each
# process so slow that the last one would wait longer than a writer waits, so there are fewer.
rounds=20
[ -z "${SANITIZER-}" ] || rounds=5
echo text > a; random 100000 > b
shared=$(envcrypt key create --alias alias/shared); turning=$(envcrypt key create --alias alias/turning)
envcrypt encrypt a -k alias/turning -o before.envc
pids=()
# start NAME COMMAND...: starts the command in the background and keeps its output.
start() {
  "${@:2}" > "out.$1" 2> "err.$1" &
  pids+=($!)
}
begun=$SECONDS
set +x
for n in $(seq $rounds); do
  for key in 1 2 3 4; do
    start create$n.$key envcrypt key create --alias alias/n$n/$key --tag "n=$n.$key" --tag shared=yes
  done
  start alias$n envcrypt kms create-alias --alias-name alias/more$n --target-key-id "$shared"
  start tag$n envcrypt key tag "$shared" "t$n=$n"
  start rotate$n envcrypt key rotate "$turning"
  start encrypt$n envcrypt encrypt b -k alias/turning -o $n.envc
  start decrypt$n envcrypt decrypt before.envc -o before.$n
  start list$n envcrypt key list
done
set -x
[ "${#pids[@]}" = $((10 * rounds)) ]
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
echo "$((SECONDS - begun)) s"
tail -n +1 $(find . -name 'err.*' -size +0) < /dev/null
[ "$failed" = 0 ]
[ -z "$(find . -name 'err.*' -size +0)" ]

# Each key exists under the ID that was printed, with its alias and its tags.
[ "$(cat out.create* | sort -u | wc -l)" = $((4 * rounds)) ]
envcrypt kms list-keys | json '"\n".join(k["KeyId"] for k in j["Keys"])' | sort > keys
[ "$(wc -l < keys)" = $((4 * rounds + 3)) ]
[ "$(cat out.create* | sort | comm -23 - keys)" = '' ]
envcrypt kms list-aliases > aliases
json 'len(j["Aliases"])' < aliases | matches -x $((5 * rounds + 3))
json '"\n".join(a["AliasName"] + "=" + a["TargetKeyId"] for a in j["Aliases"])' < aliases > targets
for n in $(seq $rounds); do
  grep -qxF "alias/more$n=$shared" targets
  for key in 1 2 3 4; do grep -qxF "alias/n$n/$key=$(cat out.create$n.$key)" targets; done
  envcrypt kms list-resource-tags --key-id alias/n$n/4 | json '" ".join(t["TagValue"] for t in j["Tags"])' | matches -xF "$n.4 yes"
  envcrypt kms list-resource-tags --key-id "$shared" | json '{t["TagKey"]: t["TagValue"] for t in j["Tags"]}' | matches -F "'t$n': '$n'"
  envcrypt decrypt $n.envc -o - | cmp - b
  cmp before.$n a
done
# Each rotation made one version, and each version has its own material.
envcrypt kms list-key-rotations --key-id "$turning" --include-key-material ALL_KEY_MATERIAL |
  json 'len(j["Rotations"]), len({r["KeyMaterialId"] for r in j["Rotations"]}), j["Rotations"][-1]["KeyMaterialState"]' |
  matches -xF "($((rounds + 1)), $((rounds + 1)), 'CURRENT')"
envcrypt encrypt a -k alias/turning -o after.envc; envcrypt inspect after.envc | matches -F "$turning/$((rounds + 1))"
