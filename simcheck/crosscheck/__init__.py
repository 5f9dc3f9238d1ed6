"""A run of the cross-check: read, compare, look again, look at the whole, write what goes back."""
