"""The ways a conversion can fail. Every message says what is wrong, with the value, and what to do."""

from __future__ import annotations

from edge_ocr.errors import EdgeOCRError


class ConversionError(EdgeOCRError):
    """Base of every error that a conversion raises on purpose."""


class ZooError(ConversionError):
    """The zoo's own data break its rules: an unknown key, a missing one, or a value of the wrong kind."""


class UnknownModelError(ConversionError):
    """The zoo has no model or system of that name."""


class SourceError(ConversionError):
    """A source file could be got from none of its sources, or what they hold is not the expected file."""


class WorkerError(ConversionError):
    """A tool in an environment of its own could not be installed, died, failed, or did not answer."""


class AccuracyBudgetError(ConversionError):
    """A converted model is further from the original than the accuracy budget allows."""
