"""Where the published files are, and how to know that they arrived whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from grader.datasets.cifar import ARCHIVE
from grader.datasets.images import MNIST_MD5


@dataclass(frozen=True)
class PublishedFile:
    """One file of a data set.

    Attributes:
        path: where it goes, below the data folder; "/" separates folders.
        urls: addresses, tried in order.
        algorithm: of the checksum.
        checksum: hexadecimal, as published.
        unzipped: whether the checksum is of the content of the .gz file; mirrors and
            copies wrap the same content differently.
        max_bytes: more than this is not the file.
    """

    path: str
    urls: tuple[str, ...]
    algorithm: Literal["md5", "sha256"]
    checksum: str
    unzipped: bool
    max_bytes: int

    @property
    def filename(self) -> str:
        return self.path.rsplit("/", 1)[-1]


_MNIST_MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_CHAR_RNN: Final = "https://raw.githubusercontent.com/karpathy/char-rnn/master/"

PUBLISHED: Final[dict[str, tuple[PublishedFile, ...]]] = {
    "mnist": tuple(
        PublishedFile(
            path=f"mnist/{name}.gz",
            urls=tuple(f"{mirror}{name}.gz" for mirror in _MNIST_MIRRORS),
            algorithm="md5",
            checksum=checksum,
            unzipped=True,
            max_bytes=12_000_000,  # the largest has 9.9 MB
        )
        for name, checksum in MNIST_MD5.items()
    ),
    "cifar10": (
        PublishedFile(
            path=f"cifar10/{ARCHIVE}",
            urls=(f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",),
            algorithm="md5",
            checksum="c32a1d4ab5d03f1284b67883e8d87530",
            unzipped=False,
            max_bytes=200_000_000,
        ),
    ),
    "shakespeare": (
        PublishedFile(
            path="shakespeare/tinyshakespeare.txt",
            urls=(f"{_CHAR_RNN}data/tinyshakespeare/input.txt",),
            algorithm="sha256",
            checksum="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            unzipped=False,
            max_bytes=1_200_000,
        ),
    ),
}
