"""The start pages: where somebody arrives, and the ways from there that their permissions allow."""
