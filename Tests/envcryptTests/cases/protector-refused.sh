# A protector that was refused leaves no key file behind, and an existing key file stays.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
add() { envcrypt keystore protector add key-file:usb.key; }
envcrypt keystore require-audit on
mv "$log" away; mkdir "$log"
fails 74 add; absent usb.key
head -c 32 /dev/urandom >usb.key; chmod 600 usb.key; cp usb.key copy
fails 74 add; cmp usb.key copy; rm usb.key
rmdir "$log"; mv away "$log"
# Too many.
for number in $(seq 99); do envcrypt keystore protector add none >/dev/null; done
fails 78 add; absent usb.key
envcrypt keystore protector remove "$(envcrypt keystore protector list --json | json 'j["Protectors"][-1]["ProtectorId"]')"
add >/dev/null; [ -f usb.key ]
fails 78 add; [ -f usb.key ]
# A keystore that cannot be made.
mkdir full; chmod 555 full
if [ "$(id -u)" != 0 ]; then
  fails 73 envcrypt init -q --keystore full/k.db --protector key-file:new.key; absent new.key
fi
fails 73 envcrypt init -q --protector key-file:new.key; absent new.key
echo x >k.db-journal
fails 73 envcrypt init -q --keystore k.db --protector key-file:new.key; absent new.key
envcrypt keystore check >/dev/null
