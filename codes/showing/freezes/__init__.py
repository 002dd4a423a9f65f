"""Freezes: a counter takes a person's codes out, for a reason that the person reads and may appeal against."""
