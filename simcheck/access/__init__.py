"""Who may do what: client systems, their tokens, scopes and limits."""
