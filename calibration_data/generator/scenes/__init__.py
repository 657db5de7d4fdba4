"""The kinds of picture: pages of a web shop, streets and malls, papers, screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from calibration_data.generator.layers import Layer
from calibration_data.generator.printer import Printer
from calibration_data.generator.scenes.paper import card, form, letter, receipt
from calibration_data.generator.scenes.screen import screen
from calibration_data.generator.scenes.street import banner, mall, street
from calibration_data.generator.scenes.web import poster, product

Draw = Callable[[Printer, int, int], Layer]


class Scene(NamedTuple):
    """A kind of picture and the sizes (height, width) it comes in."""

    draw: Draw
    sizes: tuple[tuple[int, int], ...]


WEB_SIZES = ((800, 800), (600, 800), (790, 790), (960, 720), (520, 900), (640, 960), (480, 480))
STREET_SIZES = ((720, 1280), (720, 1280), (720, 960), (960, 720))
BANNER_SIZES = ((600, 800), (768, 1024), (800, 600), (640, 960), (450, 600), (400, 1000))
FORM_SIZES = ((1000, 770), (1000, 800), (1000, 762))
PAPER_SIZES = ((700, 960), (900, 675), (1024, 768))
CARD_SIZES = ((480, 760), (400, 640), (600, 800))
SCREEN_SIZES = ((900, 506), (600, 1000), (720, 720), (400, 900))

SCENES: tuple[Scene, ...] = (
    Scene(street, STREET_SIZES),
    Scene(product, WEB_SIZES),
    Scene(mall, STREET_SIZES),
    Scene(form, FORM_SIZES),
    Scene(banner, BANNER_SIZES),
    Scene(poster, WEB_SIZES),
    Scene(mall, STREET_SIZES),
    Scene(card, CARD_SIZES),
    Scene(street, STREET_SIZES),
    Scene(product, WEB_SIZES),
    Scene(letter, PAPER_SIZES),
    Scene(banner, BANNER_SIZES),
    Scene(form, FORM_SIZES),
    Scene(mall, STREET_SIZES),
    Scene(screen, SCREEN_SIZES),
    Scene(receipt, PAPER_SIZES),
)
"""Pictures go round this list, so that any first few of them are a fair sample of the kinds."""
