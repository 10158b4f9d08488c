import ArgumentParser

struct TemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template",
    abstract: "Make keys and aliases as a CloudFormation template says.",
    discussion: """
      A template of AWS::KMS::Key and AWS::KMS::Alias resources, in YAML or JSON, becomes a stack: \
      'apply' makes the keystore what the template says, all of it or nothing, and 'plan' shows \
      beforehand what would change.

      Examples:
        envcrypt template validate keys.yaml
        envcrypt template plan keys.yaml
        envcrypt template apply keys.yaml --stack-name prod --parameter-overrides Window=7
        envcrypt template outputs prod
        envcrypt template delete prod
      """,
    subcommands: [
      TemplateValidateCommand.self, TemplatePlanCommand.self, TemplateApplyCommand.self,
      TemplateDeleteCommand.self, TemplateOutputsCommand.self, TemplateListCommand.self,
    ])
}
