"""`make test-gpu`: what of this code computes on a card, against the processor and measured."""
