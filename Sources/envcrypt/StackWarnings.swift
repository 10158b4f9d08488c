import KMSTemplates

extension Console {
  /// Warns of probable mistakes in the template, and of changes that were made to the stack outside
  /// its template.
  func warn(of plan: StackPlan) {
    for warning in plan.warnings {
      self.warning(Text.printable("'\(warning.logicalID)', \(warning.warning.text)"))
    }
    for notice in plan.notices { warning(Text.printable(notice.text)) }
  }
}

extension StackNotice {
  var text: String {
    switch finding {
    case .keyIsGone: "key \(physicalID) of '\(logicalID)' is gone"
    case .keyIsPendingDeletion(let date):
      "key \(physicalID) of '\(logicalID)' is pending deletion: it will be deleted on "
        + "\(Text.day(date))"
    case .aliasIsGone: "\(physicalID) of '\(logicalID)' is gone, or belongs to another stack"
    case .aliasIsTaken:
      "\(physicalID) of '\(logicalID)' already exists, and does not belong to this stack"
    }
  }
}
