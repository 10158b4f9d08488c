# Version, help and completions.
envcrypt --version | matches -E '^envcrypt [0-9.]+ \(OpenSSL 3\.'
for command in '' encrypt decrypt verify reencrypt inspect exec edit init config alias kms data-key 'data-key generate' \
  'data-key decrypt' 'alias '{create,update,delete,list} \
  keystore 'keystore protector' 'keystore protector '{add,remove,list} \
  'keystore '{status,audit,check,backup,restore,passwd,require-audit} \
  key 'key '{create,list,describe,update,enable,disable,rotate} \
  'key rotation' 'key rotation '{enable,disable,status,list} 'key '{schedule,cancel}-deletion \
  'key '{tag,untag,export,import,public-key} \
  'key policy' 'key policy '{get,put,reset,simulate} 'key grant' 'key grant '{create,list,retire,revoke} \
  template 'template '{validate,plan,apply,delete,outputs,list}; do
  envcrypt help $command | matches -- "^USAGE: envcrypt \?$command"
done
envcrypt --generate-completion-script bash > completion; bash -n completion
envcrypt --generate-completion-script zsh | matches '#compdef envcrypt'
envcrypt --generate-completion-script fish | matches envcrypt
fails 64 envcrypt nonsense; says 'envcrypt: error: '; says 'envcrypt: hint: '
fails 64 envcrypt help nonsense; says "unknown command 'nonsense'"; says 'hint: envcrypt help lists the commands'
fails 64 envcrypt key nonsense --help; says 'hint: envcrypt help key lists the commands'
fails 64 envcrypt help encrypt key; says "unknown command 'encrypt key'"
envcrypt key help create | matches '^USAGE: envcrypt key create'
# A misspelled command, and a value that is not one of a long list.
fails 64 envcrypt encrpt a.txt; says "unknown command 'encrpt'; did you mean 'encrypt'?"
fails 64 envcrypt key rotation enabel alias/a; says "unknown command 'enabel'; did you mean 'enable'?"
fails 64 envcrypt key create --spec AES; says 'one of the following: SYMMETRIC_DEFAULT, RSA_2048, '
fails 64 envcrypt key grant create alias/a --grantee b --operations Decript
says "'Decript' is invalid"; says ' Decrypt, '
# The operations of the KMS API, each with its options.
envcrypt kms help > operations
for operation in $(sed -n 's/^  //p' operations); do
  envcrypt kms "$operation" help | matches -- "Usage: envcrypt kms $operation"
  envcrypt help kms "$operation" | cmp - <(envcrypt kms help "$operation")
done
[ "$(sed -n 's/^  //p' operations | wc -l)" -ge 46 ]
fails 64 envcrypt help kms encript; says "unknown operation 'encript'; did you mean 'encrypt'?"
fails 64 envcrypt kms nonsense; says "envcrypt: error: unknown operation 'nonsense'"; says 'hint: envcrypt kms help'
