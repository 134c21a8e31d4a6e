"""Keep pytest away from what the cases hand in: some of it attacks pytest."""

collect_ignore = ["cases", "shared", "suite"]
