"""Counters (亮码办事, 免填表): a scan gives a form ticket, the counter redeems it once, the citizen confirms."""
