"""One-pass evaluation: OTB, TC128, LaSOT."""
