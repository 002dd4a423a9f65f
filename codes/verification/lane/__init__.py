"""The fast lane: the scans that nearly all scans are, in groups. Its one word is ACCEPT; all else goes the long way."""
