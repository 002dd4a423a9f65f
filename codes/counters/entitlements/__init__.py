"""Entitlements: what a department says a holder may do, told at a scan as a short name and nothing else."""
