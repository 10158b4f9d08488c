# A run with --update that was interrupted at any point can be started again: the end is that of one whole run. So can a
# restoration.
mkdir tree
for i in 1 2 3 4 5 6; do mkdir tree/d$i; for j in 1 2 3 4 5; do random $((i * j * 997)) >tree/d$i/f$j; done; done
ln -s f1 tree/d1/link
touch -d '2024-05-01 10:00:00.123456789' tree/d*/*

# end_after SIGNAL N COMMAND…: ends the command before its Nth call of linkat or renameat, by which outputs get their
# names.
end_after() {
  strace -f -qq -o /dev/null -e trace=linkat,renameat -e "inject=linkat,renameat:signal=$1:when=$2" "${@:3}" || true
}
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
  for count in 1 2 7 20 29 33; do
    rm -rf out back; mkdir out back
    [ $((count % 2)) = 0 ] && signal=TERM || signal=KILL
    end_after $signal $count envcrypt encrypt -q -j 1 -R tree -o out --update
    first=$(find out -name '*.envc' -printf '%P %i\n' | sort)
    envcrypt encrypt -q -R tree -o out --update
    # Files that the killed run completed are not done again.
    [ -z "$(comm -23 <(echo "$first" | grep . || true) <(find out -name '*.envc' -printf '%P %i\n' | sort))" ]
    end_after $signal $count envcrypt decrypt -q -j 1 -R out/tree -o back --update
    # It is interrupted again, and then it ends.
    end_after $signal 1 envcrypt decrypt -q -j 1 -R out/tree -o back --update
    envcrypt decrypt -q -R out/tree -o back --update
    diff -r --no-dereference tree back/tree
    [ "$(cd tree && find . -printf '%P %y %m %T@\n' | sort)" = "$(cd back/tree && find . -printf '%P %y %m %T@\n' | sort)" ]
    absent none
  done
  # Nothing is left to do.
  for again in 'encrypt -R tree -o out' 'decrypt -R out/tree -o back'; do
    envcrypt $again --update 2>stderr
    says '0 files done'
    says '30 left as they are'
  done
else
  skipped 'strace cannot inject signals here'
fi

# The same for a run that replaces and deletes.
rm -rf out; mkdir -p out
envcrypt encrypt -q -R tree -o out
rm -r tree/d6 tree/d5/f1
for i in 1 2 3; do random 500 >tree/d$i/f1; random 100 >tree/d$i/new; done
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
  cp -a out whole
  envcrypt encrypt -q -R tree -o whole --update --delete
  for call in linkat,renameat unlinkat; do
    for count in 1 2 4 6; do
      rm -rf trial back; cp -a out trial; mkdir back
      strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$count" \
        envcrypt encrypt -q -j 1 -R tree -o trial --update --delete || true
      envcrypt encrypt -q -R tree -o trial --update --delete
      [ "$(cd trial && find . -name '.envcrypt-*' -prune -o -print | sort)" = "$(cd whole && find . | sort)" ]
      envcrypt decrypt -q -R trial/tree -o back
      diff -r --no-dereference tree back/tree
    done
  done
fi
