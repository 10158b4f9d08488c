# Grants: created, listed, retired, revoked.
key=$(envcrypt key create --alias alias/a)
id=$(envcrypt key grant create alias/a --grantee restore --operations Decrypt DescribeKey -c purpose=backup --retiring ci --name first)
[ ${#id} = 64 ]
[ "$(envcrypt key grant create alias/a --grantee restore --operation DescribeKey --operation Decrypt -c purpose=backup --retiring ci --name first)" = "$id" ]
envcrypt key grant create "$key" --grantee other --operation Encrypt -c k=v --exact --json > made
envcrypt key grant list alias/a | diff - <(cat <<X
$id  to restore: Decrypt, DescribeKey, with purpose=backup, retired by ci, named first
$(json 'j["GrantId"]' < made)  to other: Encrypt, with exactly k=v
X
)
envcrypt key grant list alias/a --grantee other --json | json '[g["Constraints"] for g in j["Grants"]]' | matches -x "\[{'EncryptionContextEquals': {'k': 'v'}}\]"
envcrypt key grant list --retirable-by ci | matches "^$id"
envcrypt key describe alias/a | matches '2 grants'
envcrypt key policy simulate alias/a --principal restore --action Decrypt -c purpose=backup | matches "allowed by grant $id"
fails 77 envcrypt key policy simulate alias/a --principal restore --action Decrypt > out
envcrypt kms retire-grant --grant-token "$(json 'j["GrantToken"]' < made)"
envcrypt key grant retire alias/a "$id"
fails 69 envcrypt key grant revoke alias/a "$id"; says 'NotFoundException'
fails 64 envcrypt key grant revoke alias/a 12; says '64 hexadecimal digits'
envcrypt key grant list alias/a | cmp - /dev/null
fails 64 envcrypt key grant list; says 'retirable-by'
fails 64 envcrypt key grant create alias/a --grantee x --operation Fly; says 'Fly'
fails 64 envcrypt key grant create alias/a --grantee x --operation Sign; says 'does not support Sign'
fails 64 envcrypt key grant create alias/a --grantee arn:aws:iam::1:user/x --operation Encrypt; says 'InvalidArnException'
envcrypt keystore check | matches '0 grants'
