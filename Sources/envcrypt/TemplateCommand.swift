import ArgumentParser

struct TemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template",
    abstract: "Manage keys and aliases with CloudFormation templates.",
    discussion: """
      A template of AWS::KMS::Key and AWS::KMS::Alias resources, in YAML or JSON, becomes a stack. \
      'apply' makes the changes that the template needs, all or none; 'plan' shows them \
      beforehand.

      Examples:
        envcrypt template validate keys.yaml
        envcrypt template plan keys.yaml --stack-name prod
        envcrypt template apply keys.yaml --stack-name prod
        envcrypt template outputs prod
        envcrypt template delete prod
      """,
    subcommands: [
      TemplateValidateCommand.self, TemplatePlanCommand.self, TemplateApplyCommand.self,
      TemplateDeleteCommand.self, TemplateOutputsCommand.self, TemplateListCommand.self,
    ])
}
