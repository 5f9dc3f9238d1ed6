"""What goes back to a carrier: its rows that are not verified, kept until the carrier has them."""
