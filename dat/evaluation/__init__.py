"""Scores of result files by named definitions."""
