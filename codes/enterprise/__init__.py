"""Codes of organizations, and the ways of officers and enterprises to meet."""
