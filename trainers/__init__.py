"""Data sets, the three model specifications, and one trainer per framework."""
