"""`python -m dat`."""

from dat.cli import main

main()
