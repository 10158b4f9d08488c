# File names are bytes: spaces, line feeds, leading dashes and invalid UTF-8 are kept unchanged.
for name in 'two words' $'line\nfeed' -dash "quo'te" $'latin1-\xe9' 'größe'; do
  printf 'in %s' "$name" > "./$name"
  envcrypt encrypt -- "$name"
  rm -- "./$name"
  envcrypt decrypt -- "$name.envc"
  [ "$(cat "./$name")" = "in $name" ]
done
mkdir tree out back
cp -- $'latin1-\xe9' tree/
envcrypt encrypt -q -R tree -o out
envcrypt decrypt -q -R out/tree -o back
cmp $'latin1-\xe9' $'back/tree/latin1-\xe9'
