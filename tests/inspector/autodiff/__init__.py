"""The gradient engine."""
