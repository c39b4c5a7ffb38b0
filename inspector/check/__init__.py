"""Finite-difference check of a gradient."""
