"""The citizen register: a snapshot on disk, and the index that answers for an ID number."""
