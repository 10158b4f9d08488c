# Hidden files of a killed process are removed by the next process that replaces a file there. Files of a live process
# and files with other names are kept.
random 1000 > a; envcrypt encrypt a
left=.envcrypt-0123456789ab.tmp; living=.envcrypt-ba9876543210.tmp; other=.envcrypt-0123456789AB.tmp
touch $left $living $other
exec 9<$living; flock -x 9
envcrypt encrypt -f a
[ ! -e $left ]; [ -e $living ]; [ -e $other ]
exec 9<&-
envcrypt reencrypt a.envc -k "$(envcrypt key create)"
[ ! -e $living ]; rm $other
envcrypt decrypt a.envc -o - | cmp - a

# In the keystore's directory 'keystore check' removes them and reports it.
store=data/envcrypt
touch $store/.keystore-0123456789ab.tmp $store/.keystore-0123456789ab.tmp-journal $store/.keystore-ba9876543210.tmp-audit
envcrypt keystore check 2>said
[ "$(grep -c 'removed what a killed process left' said)" = 3 ]
[ -z "$(find $store -name '.keystore-*')" ]
