# The plan of a template that was shown is the plan that is applied, or nothing is done.
cat > keys.yaml <<'YAML'
Parameters: {Window: {Type: Number, Default: 30}}
Resources:
  main: {Type: 'AWS::KMS::Key', Properties: {Description: one, PendingWindowInDays: !Ref Window}}
  other: {Type: 'AWS::KMS::Key', Properties: {Description: !Ref 'AWS::StackId'}}
  name: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/main, TargetKeyId: !Ref main}}
YAML
# The last line of the text and a member of the JSON are the digest.
digest() { envcrypt template plan "$@" --json | json 'j["PlanDigest"]'; }
plan=$(digest keys.yaml)
envcrypt template plan keys.yaml | tail -1 | matches -x "plan: $plan"
envcrypt template plan keys.yaml | tail -1 | matches -E '^plan: [0-9a-f]{64}$'
fails 64 envcrypt template apply keys.yaml --plan 123; says '--plan'
refused() {
  fails 69 envcrypt template apply "$@"
  says 'the plan is not the one that was shown'; says 'envcrypt template plan'
}
# Another parameter, another template, another stack.
refused keys.yaml --plan "$plan" --parameter-overrides Window=9
sed 's/one/two/' keys.yaml > two.yaml
refused two.yaml --stack-name keys --plan "$plan"
refused keys.yaml --stack-name others --plan "$plan"
[ "$(envcrypt template list --json | json 'j["StackSummaries"]')" = '[]' ]
envcrypt template apply keys.yaml --plan "$plan" | matches -x '3 created'
refused keys.yaml --plan "$plan"
envcrypt template apply keys.yaml --plan "$(digest keys.yaml)" | matches -x 'nothing to change'
# The keystore changes after the plan.
plan=$(digest two.yaml --stack-name keys)
envcrypt key disable alias/main
refused two.yaml --stack-name keys --plan "$plan" --yes
envcrypt key describe alias/main | matches -E 'one|Disabled'
envcrypt key enable alias/main
envcrypt template apply two.yaml --stack-name keys --plan "$plan" | matches -x '1 changed'
# A digest is consent: nothing is asked, and nothing is asked before a refusal.
sed '/other/d' two.yaml > less.yaml
plan=$(digest less.yaml --stack-name keys)
status=0; on_terminal y envcrypt template apply keys.yaml --plan "$plan" > asked || status=$?
[ $status = 69 ]; if matches Delete < asked; then exit 1; fi
on_terminal '' envcrypt template apply less.yaml --stack-name keys --plan "$plan" > asked
matches '1 deleted' < asked; if matches Delete < asked; then exit 1; fi
# The keystore changes while the question is on the terminal. The lines of a deletion do not show the description.
cat > question.py <<'PYTHON'
import os, pty, subprocess, sys
meanwhile, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    shown += data
    if meanwhile and shown.endswith(b"[y/N] "):
        subprocess.run(meanwhile, shell=True, check=True)
        meanwhile = ""
        os.write(terminal, b"y\n")
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
printf 'Resources: {n: {Type: "AWS::KMS::Key"}}' > new.yaml
for command in 'apply new.yaml --stack-name keys' 'delete keys'; do
  status=0
  python3 question.py "envcrypt key update alias/main --description $RANDOM" \
    envcrypt template $command > asked || status=$?
  [ $status = 69 ]; matches 'Delete 1 key' < asked
  matches 'the plan is not the one that was shown' < asked
  envcrypt key describe alias/main | matches Enabled
done
envcrypt keystore audit | matches -E 'UpdateStack .*InvalidChangeSetStatus'
envcrypt template delete keys | matches deleted
