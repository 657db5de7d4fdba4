"""The ways a reading can fail. Every message names what is wrong, with the value, and what to do about it."""


def printable(text: str) -> str:
    """Text of others on one line: what would not show, such as a line break in the name of a file, as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


class EdgeOCRError(Exception):
    """Base of every error that this project raises on purpose; the command line turns it into one sentence."""

    def __str__(self) -> str:
        """The sentence, on one line."""
        return printable(super().__str__())


class PictureError(EdgeOCRError):
    """The input is not a picture that can be read: missing, empty, truncated, too large, or no picture at all."""


class BundleError(EdgeOCRError):
    """A bundle is missing, incomplete, altered, or of a format that this version does not read."""


class EngineError(EdgeOCRError):
    """No inference engine is installed, or the engine refuses a model or an input."""


class CacheError(EdgeOCRError):
    """The cache folder cannot be written."""


class BenchmarkError(EdgeOCRError):
    """A benchmark cannot be run, or its result cannot be read."""


class DeviceError(BenchmarkError):
    """The device that a benchmark should run on is unknown, cannot be reached, or fails."""
