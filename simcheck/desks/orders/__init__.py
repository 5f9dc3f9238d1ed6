"""Orders to carriers: what is due and what is in its way, proposals and their approval, the brake."""
