"""From a number back to raw files."""
