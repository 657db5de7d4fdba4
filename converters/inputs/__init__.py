"""What a conversion starts from: systems of the zoo, and models of the user's own, as files that are here."""

from converters.inputs.own import Choices, own_sources
from converters.inputs.sources import Sources, fetch_sources

__all__ = ["Choices", "Sources", "fetch_sources", "own_sources"]
