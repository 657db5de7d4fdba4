"""The two kinds of array that pictures and coordinates are made of, and what is done to both."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""A picture (height, width, 3), BGR, or a mask (height, width); 0 to 255."""

Reals = npt.NDArray[np.float32]
"""Coordinates, or one number for each pixel."""

Picture = TypeVar("Picture", Pixels, Reals)


def reals(values: npt.ArrayLike) -> Reals:
    """Numbers as a float32 array."""
    return np.asarray(values, np.float32)


def pixels(values: npt.ArrayLike) -> Pixels:
    """Numbers as a picture: rounded, and held within 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(picture: Picture, deviation: float) -> Picture:
    """A Gaussian blur of the given standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation), picture.dtype)


def seen_through(picture: Pixels, matrix: npt.ArrayLike, width: int, height: int, border: int) -> Pixels:
    """The picture through a 3x3 perspective transform, in a frame of the given size; `border` is OpenCV's mode."""
    transform = np.asarray(matrix, np.float64)
    return np.asarray(cv2.warpPerspective(picture, transform, (width, height), borderMode=border), np.uint8)
