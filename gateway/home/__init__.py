"""The home page: one call that gathers the cards of all departments."""
