"""What has to be put right about a subscription, who acts, and what became of it."""
