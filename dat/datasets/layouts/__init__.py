"""The layouts in which data sets lie on disk, a module each; its name is the layout's.

A module has `LAYOUT`: what finds the targets in a folder, and what a sequence looks like. Its reader knows what the
files count pixels from: 1 as MATLAB does, VOT's and a user's own from 0.
"""
