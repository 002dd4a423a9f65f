"""The signed bytes of a code, layer by layer. Pure: no clock, no database, no network.

Carrier text (`base45`, `static_code`) → strict CBOR (`cbor`) → COSE_Sign1 (`cose`, with a crypto `profiles`) → what it
means (`claims`, `presentation`, `static_code`). The lower layers may be called on foreign data.
"""
