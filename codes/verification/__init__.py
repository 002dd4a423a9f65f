"""Verification online: the verdict, the guard against replays, what is disclosed, and the record of it."""
