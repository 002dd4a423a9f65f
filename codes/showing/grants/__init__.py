"""Grants: the city's statements that a phone may show a code, eight in a call, and their withdrawal."""
