"""Scores of trackers: one-pass evaluation (OTB, TC128, LaSOT) and VOT's restart protocol, for anybody's result
files."""
