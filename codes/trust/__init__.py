"""Whose signatures count: the trust list that every verifier holds, and how one version follows another."""
