"""The conformance kit: what a department must do and must refuse, tried by real requests, told in one report.

`trial` asks, `cases` judge, `rendering` tells. Judges a backend from outside; reads no code and no store of it.
"""
