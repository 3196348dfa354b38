"""Proofs that anybody can check: who has signed which messages."""
