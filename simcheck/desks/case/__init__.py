"""The case's page: both records side by side, what is known of it, and what somebody decides."""
