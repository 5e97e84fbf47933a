"""Data sets: synthetic ones, readers of the real layouts, manifests, shards, regions."""
