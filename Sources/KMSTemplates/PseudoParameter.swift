/// The pseudo parameters: names that `Ref` accepts without a declaration. A keystore is one account
/// in one region.
enum PseudoParameter: String, CaseIterable, Sendable {
  case accountID = "AWS::AccountId"
  case notificationARNs = "AWS::NotificationARNs"
  case noValue = "AWS::NoValue"
  case partition = "AWS::Partition"
  case region = "AWS::Region"
  case stackID = "AWS::StackId"
  case stackName = "AWS::StackName"
  case urlSuffix = "AWS::URLSuffix"
}
