# A user who calls himself root or another user in his own user namespace is neither.
can_be backup && can_be daemon || exit 0
as() { local user=$1; shift; setpriv --reuid "$user" --regid backup --clear-groups env HOME="$PWD/theirs" "$@"; }
! no_user_namespaces || exit 0
as backup unshare -r true 2> /dev/null || { skipped 'users cannot make user namespaces here'; exit; }

mkdir store theirs; chmod 777 theirs; chmod 755 .
mv "$XDG_DATA_HOME"/envcrypt/keystore.db* store
chown -R daemon:backup store; chmod 2770 store; chmod 660 store/*
export ENVCRYPT_KEYSTORE=$PWD/store/keystore.db
key=$(as daemon envcrypt key create --alias alias/a)
echo text > f; as daemon envcrypt encrypt -q - -k alias/a < f > m.envc; chmod 644 m.envc
owner=$(id -u daemon); other=$(id -u backup)
last() { as daemon envcrypt keystore audit --json | json 'tuple(j["Records"][-1]["userIdentity"]["userName"].split(":")) + (j["Records"][-1].get("errorCode"),)'; }

# refused COMMAND...: the user in this namespace is refused.
refused() {
  fails 77 as backup "$@" envcrypt decrypt m.envc -o -
  says 'in a user namespace that the keystore'"'"'s owner is not in'; says "kms:Decrypt with key $key"
  says 'envcrypt: hint: run envcrypt outside of the user namespace'
  [ "$(last)" = "('user-namespace', '$id', 'AccessDeniedException')" ]
}
fails 77 as backup envcrypt decrypt m.envc -o -; says 'user/backup may not do kms:Decrypt'
id=$other
refused unshare -r
refused unshare --map-user="$owner"
refused unshare --map-user=65534
refused unshare -rm sh -c "echo 'daemon:x:0:0::/:/bin/sh' > theirs/passwd; mount --bind theirs/passwd /etc/passwd; exec \"\$@\"" sh
id=unknown refused unshare -U
# A namespace inside another one reports what its creator chooses. The log shows it as a claim.
id=$owner refused unshare --map-user="$owner" --map-group=0 unshare --map-user=0
# The same with a file that is mounted over the kernel's own.
id=0 refused unshare -rm sh -c "echo '0 0 4294967295' > theirs/map; mount --bind theirs/map /proc/self/uid_map; mount --bind theirs/map /proc/\$\$/uid_map; exec \"\$@\"" sh
fails 77 as backup unshare -r envcrypt keystore protector add none; says 'may not do AddProtector'
fails 77 as backup unshare -r envcrypt key create; says 'may not do kms:CreateKey'
# The name comes from the reader's system and is followed by a question mark.
as daemon envcrypt keystore audit | matches "user-namespace:$other(backup?)  Decrypt"

# He is refused even if everybody is allowed, because a statement may deny him.
cat > policy.json <<X
{"Statement": [
  {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::000000000000:user/backup"}, "Action": "kms:Decrypt", "Resource": "*"}]}
X
as daemon envcrypt key policy put alias/a policy.json
fails 77 as backup envcrypt decrypt m.envc -o -; says 'statement 2 of its policy denies it'
id=$other refused unshare -r

# The owner is the owner in his own namespace too, under any ID, and is recorded as himself.
for map in -r --map-user=77 --map-user="$other"; do
  as daemon unshare "$map" envcrypt decrypt m.envc -o - | cmp - f
  [ "$(last)" = "('daemon', None)" ]
done
as daemon unshare -r envcrypt keystore protector list > /dev/null
as daemon unshare -r envcrypt key create > /dev/null
envcrypt keystore check | matches 'all as envcrypt wrote them'
