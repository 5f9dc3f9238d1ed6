"""Subscriber files on their way in, and the batches that they become."""
