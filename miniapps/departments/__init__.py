"""Reference departments: programs of their own, each with its own process, store and keys. They import only the SDK.

`python -m miniapps.departments.library --port 9101 --issuer http://127.0.0.1:8000 --data DIR`
"""
