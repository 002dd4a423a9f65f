"""A city to try a department against before anybody reviewed it: keys of its own, and citizens who do not exist.

What it signs says of itself that it comes from `{issuer}/sandbox`, whose keys no live department reads.
"""
