"""Benchmarks: `python -m benchmarks.NAME` at the top of the checkout, with the profile's numerics."""

from dat.base import numerics

numerics.prepare(numerics.setting())
