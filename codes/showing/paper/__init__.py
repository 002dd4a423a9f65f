"""Codes on paper: for who has no phone, no battery or no wish; issued by oneself or at a counter, voided on loss."""
