"""What stands in the way of orders: appeals to be decided, legal holds, protected lines."""
