"""Describe and Attend to Track: a tracker, its training, its evaluation and its paper, as one reproducible pipeline."""

from dat.base import used

used.watch()
