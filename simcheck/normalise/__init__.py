"""What was written becomes what can be compared. Pure: columns in, columns out."""
