"""Declared against registered: the reasons that apply and the verdict that follows. Pure, over columns."""
