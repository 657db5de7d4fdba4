"""The disagreement gallery: one page that shows where a bundle and its float32 original read differently.

It is a single file that needs no other and no network, and shows other people's texts without running them.
"""

from converters.gallery.writing import write_gallery

__all__ = ["write_gallery"]
