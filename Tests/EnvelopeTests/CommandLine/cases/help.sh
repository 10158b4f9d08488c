# Version, help and completions.
envcrypt --version | matches -E '^envcrypt [0-9.]+ \(OpenSSL 3\.'
for command in '' encrypt decrypt verify inspect init key alias keystore 'keystore protector'; do
  envcrypt help $command | matches 'USAGE: envcrypt'
done
envcrypt --generate-completion-script bash > completion; bash -n completion
envcrypt --generate-completion-script zsh | matches '#compdef envcrypt'
envcrypt --generate-completion-script fish | matches envcrypt
fails 64 envcrypt nonsense; says 'envcrypt: error: '; says 'envcrypt: hint: '
