"""The reviewers' desk: what waits for a judgement, in the order in which it is due, and what is late."""
