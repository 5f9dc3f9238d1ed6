"""The policy of what follows: its versions, what each says, who signed it, and what would be due under it."""
