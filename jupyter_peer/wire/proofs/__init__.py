"""Proofs of who has signed which messages; anybody can check them."""
