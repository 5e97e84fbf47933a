"""What can go wrong for a user, one class a thing. The command line prints the message alone and ends with `status`.

DatError                the call or its input is wrong: status 2
|-- ParamsError         params.yaml: an unknown key, a missing one, a value of the wrong type
|-- InputError          a file or an argument that cannot be used
|-- MissingError        something that another command makes is not there: the message says which command
|-- LockedError         another process works on the same thing
|-- NumericsError       the environment asks for other arithmetic than params.yaml
|   `-- LoadedError     a library was loaded before it could be told how to compute
|-- ChangedError        a file was changed while it was in use: nothing was kept
`-- JobError            work was done and some of it failed: status 1
"""

import errno


class DatError(Exception):
    """A user's mistake or a broken input; its text is one line: where, what was found, what to do."""

    status = 2


class ParamsError(DatError):
    """params.yaml cannot be read as settings."""


class InputError(DatError):
    """A file or argument is wrong; the text names it."""


class MissingError(DatError):
    """Something that another command makes is absent; the text names that command."""


class LockedError(DatError):
    """Another process holds the lock."""


class NumericsError(DatError):
    """The environment asks for other arithmetic than the settings."""


class LoadedError(NumericsError):
    """A library that computes was loaded before it could be told how."""


class ChangedError(DatError):
    """A file is not the one that was planned with; the text names it."""


class JobError(DatError):
    """Jobs ran and some failed."""

    status = 1


_SPACE = "free some space (dat cache clean --days 7 removes stored results that are older than a week)"
REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: "give yourself the right to read and write there, and run again",
    errno.EPERM: "give yourself the right to read and write there, and run again",
    errno.ENOENT: "restore it, or name another",
    errno.ELOOP: "remove the link, which leads to itself",
    errno.EROFS: "make it writable, or work on another disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n), and run again",
}


def of_system(error: OSError) -> str:
    """One line for what the system refused: where, what, and what to do where that is known."""
    return f"{error.filename or 'the disk'}: {refusal(error)}"


def refusal(error: OSError) -> str:
    """What the system refused, and what to do where that is known, without the place."""
    remedy = REMEDIES.get(error.errno or 0)
    return f"{error.strerror or error}" + (f"; {remedy}" if remedy else "")
