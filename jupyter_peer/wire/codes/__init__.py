"""Spoken codes: words that lead to an invite, and the key exchange behind them."""
