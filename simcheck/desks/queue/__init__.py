"""The ministry's queue: lists of cases by a filter, the next case, saved views, search."""
