"""Memory that a process has once had stays its own."""

import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt's numbers, malloc.h
_LARGE, _NEVER = 1 << 30, (1 << 31) - 1


def keep_freed() -> None:
    """Let the C library keep what is freed, for the next tensor, instead of giving it back to the system.

    Networks ask for the same tens of megabytes again and again; each time the system would hand out pages anew and
    clear them, which takes as long as the arithmetic. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGE)
    mallopt(_TRIM_THRESHOLD, _NEVER)
