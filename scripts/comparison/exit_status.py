"""How the comparing commands end; 0 is well."""

from __future__ import annotations

MISSED = 1
"""A figure is not what was asked for."""
FAILED = 2
"""Bad input, or nothing done."""
INTERRUPTED = 130
"""128 and the number of the signal SIGINT, as shells count."""
