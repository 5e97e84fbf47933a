"""Boxes, drawing boxes around a box, and cutting them out."""
