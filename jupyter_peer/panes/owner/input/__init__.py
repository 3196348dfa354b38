"""Inputs of viewers: which ones are allowed, and how they reach the kernel."""
