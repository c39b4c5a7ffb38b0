"""Graph edits."""
