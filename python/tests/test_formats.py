# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tenon.formats: conversion, packing, and what is refused."""

import numpy as np
import pytest

from tenon import formats


def test_encodes_and_decodes():
    fmt = formats.get("f8E4M3FN")
    codes = fmt.encode([[0.1, 448.0], [1e9, -0.0]])
    assert codes.tolist() == [[0x1D, 0x7E], [0x7E, 0x80]]
    assert fmt.decode(codes).tolist() == [[0.1015625, 448.0], [448.0, -0.0]]
    assert np.isnan(fmt.decode(fmt.encode([1e9], saturate=False))).all()


def test_stochastic_rounding_is_unbiased_and_repeatable():
    fmt = formats.get("f8E5M2")
    x = np.full(20000, 1.1)
    first, again, other = (fmt.encode(x, "stochastic", seed=s) for s in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    assert abs(fmt.decode(first).mean() - 1.1) < 0.003  # five standard errors


def test_packs_from_either_end(tmp_path):
    codes = np.array([[1, 2, 3], [7, 0, 5]])
    assert formats.get("ui3").pack(codes).tolist() == [0b11010001, 0b0, 0b01000111, 0b1]
    high = tmp_path / "high.yaml"
    high.write_text("name: high3\nkind: integer\nwidth: 3\nsigned: false\nlow_first: false\nalignment: 4\n")
    fmt = formats.load(high)
    assert fmt.pack(codes).tolist() == [0b00101001, 0b10000000, 0, 0, 0b11100010, 0b10000000, 0, 0]
    wide = tmp_path / "wide.yaml"
    wide.write_text("name: wide3\nkind: integer\nwidth: 3\nsigned: false\nstorage_bits: 4\n")
    assert formats.load(wide).pack(codes[0]).tolist() == [0x21, 0x03]
    for name in ("ui3", "high3", "wide3", "f8E4M3FN", "NF4", "i5"):
        f = formats.get(name)
        all_codes = np.arange(1 << f.width).reshape(2, -1)
        assert (f.unpack(f.pack(all_codes), all_codes.shape[-1]) == all_codes).all(), name


def test_refuses():
    with pytest.raises(KeyError, match="TN4102"):
        formats.get("f9")
    with pytest.raises(ValueError, match="no format of single values"):
        formats.get("MXFP4").decode([1])
    with pytest.raises(ValueError, match="nearest_even"):
        formats.get("f8E5M2").encode([1.0], "upwards")
    with pytest.raises(ValueError, match="F7"):
        formats.get("cFP8E4M3").with_bias(400)
