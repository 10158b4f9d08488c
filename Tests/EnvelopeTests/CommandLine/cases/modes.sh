# Outputs take the input's permission bits; from a pipe they follow the umask.
random 10 > a; chmod 640 a
envcrypt encrypt a; [ "$(stat -c %a a.envc)" = 640 ]
chmod 600 a.envc; rm a
envcrypt decrypt a.envc; [ "$(stat -c %a a)" = 600 ]
(umask 027; cat a | envcrypt encrypt -o p.envc); [ "$(stat -c %a p.envc)" = 640 ]
