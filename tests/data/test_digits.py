"""MNIST as it ships; scikit-learn's reading of handwriting is the oracle of the labels."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from tutorial.data import digits as module
from tutorial.data.digits import DataError, binarised, black_and_white, digits, read_idx


def test_all_seventy_thousand_are_there():
    """The counts of each class are those of the original data set (LeCun et al.)."""
    x, y = digits("training")
    assert (x.shape, x.dtype, y.dtype) == ((60_000, 1, 28, 28), torch.uint8, torch.int64)
    assert y.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    x, y = digits("test")
    assert x.shape == (10_000, 1, 28, 28)
    assert y.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_the_bytes_are_the_published_ones():
    """MD5 of the uncompressed test pictures as published with the data set."""
    content = gzip.decompress((module.FOLDER / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert hashlib.md5(content).hexdigest() == "2646ac647ad5339dbf082846283269ea"


def test_pictures_and_labels_belong_together():
    x, y = digits("training")
    neighbours = KNeighborsClassifier(1).fit(x[:3000].flatten(1).numpy(), y[:3000].numpy())
    x, y = digits("test")
    assert neighbours.score(x[:300].flatten(1).numpy(), y[:300].numpy()) > 0.85


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b""),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x05ab"),
        gzip.compress(b"\0\0\x0d\x01" + b"\0\0\0\x01" + b"a"),
        gzip.compress(b"\0\0\x08\x01" + b"\0\0\0\x02" + b"ab")[:-9],
    ],
    ids=["foreign", "empty", "short", "floats", "truncated"],
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "some-idx1-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"some-idx1-ubyte\.gz is missing or damaged"):
        read_idx(path)


def test_test_digits_are_binarised_once_and_shared():
    assert black_and_white() is black_and_white()
    assert torch.equal(black_and_white(), binarised(digits("test")[0], torch.Generator().manual_seed(0)))


def test_a_missing_file_is_named_with_the_command_that_brings_it_back(monkeypatch, tmp_path):
    missing = module.FOLDER / "missing.gz"
    with pytest.raises(DataError, match=r"git checkout -- assets/data/mnist/missing\.gz"):
        read_idx(missing)


def test_an_idx_file_is_read_in_its_shape(tmp_path):
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x02" + b"\0\0\0\x02\0\0\0\x03" + values.tobytes()))
    assert np.array_equal(read_idx(path), values)
