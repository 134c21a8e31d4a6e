"""Module 09, second part: data, from samples to batches.

You will build, after the layers of spatial.py:

    9.7  TensorDataset.__init__         samples side by side         about 5 lines
         TensorDataset.__len__                                       1 line
         TensorDataset.__getitem__                                   1 line
    9.8  DataLoader.__len__             how many batches             1 line
         DataLoader.__iter__            all of them, shuffled        about 8 lines
    9.9  RandomHorizontalFlip.__call__  mirror an image              about 5 lines
         RandomCrop.__call__            shift an image               about 8 lines
         Compose.__call__               one after the other          about 3 lines

Nothing here needs a gradient. Random numbers come from numpy's global functions
(`np.random.permutation` and others), so that `numpy.random.seed` repeats an epoch.

Run `make test-09` after each task.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch.base import Array
from tinytorch.tensor import Tensor


class Dataset:
    """Given: what a DataLoader draws from. A subclass writes both methods.

    `dataset[i]` is sample i, a tuple such as (image, class id) of tensors, arrays or
    numbers; `len(dataset)` is the number of samples.
    """

    def __len__(self) -> int:
        msg = f"{type(self).__name__} has no __len__"
        raise NotImplementedError(msg)

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        msg = f"{type(self).__name__} has no __getitem__"
        raise NotImplementedError(msg)


class TensorDataset(Dataset):
    """Samples from tensors that have one row a sample.

    Attributes:
        tensors: the tuple of them.
    """

    def __init__(self, *tensors: Tensor) -> None:
        """Keep the tensors.

        Raises:
            ValueError: there is none, or they differ in their first size; the message
                names the shapes.

        Example:
            >>> data = TensorDataset(Tensor([[1, 2], [3, 4]]), Tensor([0, 1]))
            >>> [t.shape for t in data.tensors]
            [(2, 2), (2,)]
        """
        # TODO(9.7): about 5 lines.
        raise NotImplementedError("TODO 9.7: TensorDataset.__init__")

    def __len__(self) -> int:
        """Return the number of samples, the first size of every tensor.

        Example:
            >>> len(TensorDataset(Tensor([[1, 2], [3, 4], [5, 6]])))
            3
        """
        # TODO(9.7): about 1 line.
        raise NotImplementedError("TODO 9.7: TensorDataset.__len__")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        """Return sample `index`: a tuple of row `index` of each tensor.

        Raises:
            IndexError: there is no such sample.

        Example:
            >>> TensorDataset(Tensor([[1, 2], [3, 4]]), Tensor([0, 1]))[1]
            (Tensor([3.0, 4.0]), Tensor(1.0))
        """
        # TODO(9.7): about 1 line.
        raise NotImplementedError("TODO 9.7: TensorDataset.__getitem__")


class DataLoader:
    """The samples of a dataset in batches; every loop over it is one epoch.

    Args:
        dataset: a Dataset.
        batch_size: samples a batch.
        shuffle: whether the order is random, and another one every epoch.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int, shuffle: bool = False
    ) -> None:
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle

    def __len__(self) -> int:
        """Return the number of batches an epoch, a smaller last one included.

        Example:
            >>> len(DataLoader(TensorDataset(Tensor([1, 2, 3])), batch_size=2))
            2
        """
        # TODO(9.8): about 1 line.
        raise NotImplementedError("TODO 9.8: DataLoader.__len__")

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield the batches of one epoch, each sample exactly once.

        A batch is a tuple like a sample, but each part is a Tensor that stacks the
        samples' parts along a new first axis. Every batch has batch_size samples; the
        last one has what is left. Without `shuffle` the samples come in their order;
        with it in a random order, drawn afresh at the start of every epoch from numpy's
        global random numbers. All parts of a sample stay together.

        Shapes: samples' parts (...) -> (batch_size, ...)

        Example:
            >>> for (x,) in DataLoader(TensorDataset(Tensor([1, 2, 3])), batch_size=2):
            ...     print(x)
            Tensor([1.0, 2.0])
            Tensor([3.0])
        """
        # TODO(9.8): about 10 lines.
        raise NotImplementedError("TODO 9.8: DataLoader.__iter__")


class RandomHorizontalFlip:
    """Mirror images, some of them: left becomes right.

    Attributes:
        p: the probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, x: Tensor) -> Tensor:
        """Return x with its last axis reversed, with probability p; else equal to x.

        One image (h, w) or (channels, h, w) is mirrored as a whole. Of a batch
        (n, channels, h, w), each image is mirrored or not by itself. x keeps its data.
        Random numbers come from numpy's global ones, afresh in every call.

        Shapes: x (..., h, w) -> the same

        Example:
            >>> RandomHorizontalFlip(p=1.0)(Tensor([[1, 2], [3, 4]]))
            Tensor([[2.0, 1.0], [4.0, 3.0]])
        """
        # TODO(9.9): about 6 lines.
        raise NotImplementedError("TODO 9.9: RandomHorizontalFlip.__call__")


class RandomCrop:
    """Cut a square out of a padded image, at a random place.

    Attributes:
        size: side of the square.
        padding: rows and columns of zeros on all four sides.
    """

    def __init__(self, size: int, padding: int = 4) -> None:
        self.size, self.padding = size, padding

    def __call__(self, x: Tensor) -> Tensor:
        """Return size x size neighbouring places of the padded image.

        The last two axes are padded with `padding` zeros on all four sides. Every
        place where the square fits is equally likely, the first and the last one
        included; rows and columns are drawn independently. One image (h, w) or
        (channels, h, w) is cut as a whole; of a batch (n, channels, h, w), each image
        is cut at a place of its own. x keeps its data. Random numbers come from
        numpy's global ones, afresh in every call.

        Shapes: x (..., h, w) -> (..., size, size)

        Raises:
            ValueError: the square is larger than the padded image; the message names
                the shape of x.

        Example:
            >>> RandomCrop(2, padding=0)(Tensor([[1, 2], [3, 4]]))
            Tensor([[1.0, 2.0], [3.0, 4.0]])
        """
        # TODO(9.9): about 10 lines.
        raise NotImplementedError("TODO 9.9: RandomCrop.__call__")


class Compose:
    """Several transforms, one after the other.

    Attributes:
        transforms: the list of them.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, x: Any) -> Any:
        """Return what the last transform gives, each being fed the one before it.

        Without transforms the result is x.

        Example:
            >>> flip = RandomHorizontalFlip(p=1.0)
            >>> Compose([flip, flip])(Tensor([[1, 2]]))
            Tensor([[1.0, 2.0]])
        """
        # TODO(9.9): about 3 lines.
        raise NotImplementedError("TODO 9.9: Compose.__call__")
