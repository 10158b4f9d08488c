# -R takes files, directories and links (tree-attributes.sh). Special files are skipped and counted. A second run over the same tree leaves
# messages unchanged.
mkdir -p tree/deep/er out back
random 70000 > tree/a; random 10 > 'tree/deep/b c'; : > tree/deep/er/empty
ln -s a tree/link; ln -s deep tree/dirlink; mkfifo tree/pipe
fails 66 envcrypt encrypt tree
says '--recursive'
envcrypt encrypt -R tree -o out 2>stderr
says '3 files done'; says '2 symbolic links'; says '1 special file'
envcrypt verify -q -R out
envcrypt decrypt -q -R out/tree -o back
rm tree/pipe
diff -r --no-dereference tree back/tree
envcrypt encrypt -q -R tree
rm 'tree/deep/b c'
fails 73 envcrypt encrypt -R tree
says '2 failed'; says '3 encrypted files'
envcrypt decrypt -q -f -R tree
cmp 'tree/deep/b c' 'back/tree/deep/b c'
