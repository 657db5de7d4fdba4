from __future__ import annotations

import numpy as np
import pytest

from edge_ocr.engines.base import TensorType
from edge_ocr.errors import BundleError
from edge_ocr.manifest import FixedSize, InputSpec
from edge_ocr.normalisation import Normaliser
from tests.edge_ocr.fake_network import FLOAT, FakeNetwork

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normaliser(
    layout: str = "NHWC", colour_order: str = "BGR", dtype: str = "float32", tensor: TensorType = FLOAT
) -> Normaliser:
    spec = InputSpec(layout, dtype, colour_order, 1 / 255, MEAN, STD, FixedSize(1, 1))
    return Normaliser(spec, FakeNetwork(lambda values: values, input=tensor))


@pytest.fixture
def picture() -> np.ndarray:
    """Every value in every channel."""
    generator = np.random.default_rng(5)
    return np.stack([generator.permutation(256).reshape(16, 16) for _ in range(3)], axis=2).astype(np.uint8)


def plain_formula(picture: np.ndarray) -> np.ndarray:
    return (picture.astype(np.float32) * np.float32(1 / 255) - np.float32(MEAN)) / np.float32(STD)


def written(writer: Normaliser, picture: np.ndarray, height: int, width: int, dtype: type) -> np.ndarray:
    tensor = np.full(writer.shape(height, width), 99, dtype)
    writer.write(picture, tensor)
    return tensor


def test_equals_the_plain_formula_bit_for_bit(picture: np.ndarray) -> None:
    tensor = written(normaliser(), picture, 16, 16, np.float32)
    assert np.array_equal(tensor, plain_formula(picture)[None])


def test_channels_first(picture: np.ndarray) -> None:
    tensor = written(normaliser("NCHW"), picture, 16, 16, np.float32)
    assert np.array_equal(tensor, plain_formula(picture).transpose(2, 0, 1)[None])


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_rgb_models_get_their_channels_in_their_order(picture: np.ndarray, layout: str) -> None:
    tensor = written(normaliser(layout, "RGB"), picture, 16, 16, np.float32)
    expected = plain_formula(picture[:, :, ::-1])
    assert np.array_equal(tensor[0] if layout == "NHWC" else tensor[0].transpose(1, 2, 0), expected)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_the_rest_of_the_tensor_is_zero(picture: np.ndarray, layout: str) -> None:
    tensor = written(normaliser(layout), picture, 20, 24, np.float32)[0]
    pixels = tensor if layout == "NHWC" else tensor.transpose(1, 2, 0)
    assert np.array_equal(pixels[:16, :16], plain_formula(picture))
    assert not pixels[16:].any()
    assert not pixels[:, 16:].any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised_inputs_hold_the_nearest_number(picture: np.ndarray, dtype: type) -> None:
    scale, zero_point = 0.02, 3 if dtype is np.int8 else 131
    tensor = written(
        normaliser(dtype=np.dtype(dtype).name, tensor=TensorType(np.dtype(dtype), scale, zero_point)),
        picture,
        16,
        20,
        dtype,
    )
    limits = np.iinfo(dtype)
    representable = (np.arange(limits.min, limits.max + 1) - zero_point) * scale
    nearest = np.clip(plain_formula(picture), representable[0], representable[-1])
    values = (tensor[0, :, :16].astype(float) - zero_point) * scale
    assert np.abs(values - nearest).max() <= scale / 2 + 1e-5
    assert (tensor[0, :, 16:] == zero_point).all()


def test_tensor_types_decode_what_they_encode() -> None:
    tensor = TensorType(np.dtype(np.int8), 0.5, -10)
    assert tensor.encode([-100.0, -1.0, 0.0, 2.5, 1000.0]).tolist() == [-128, -12, -10, -5, 127]
    assert tensor.decode(np.array([-12, -10, -5], np.int8)).tolist() == [-1.0, 0.0, 2.5]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_numbers_that_the_model_does_not_take_are_refused(dtype: str) -> None:
    with pytest.raises(BundleError, match=f"fake model takes float32 input, but the manifest says {dtype}"):
        normaliser(dtype=dtype)
