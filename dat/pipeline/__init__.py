"""The stages: what each reads and writes, and what surrounds its computation."""
