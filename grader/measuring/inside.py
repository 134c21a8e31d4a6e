"""What is sent into a sandbox beside a workload's script. Nothing here is secret."""

from __future__ import annotations

from typing import Final

from grader.training.inside import SOURCE as RUN

# numpy's arrays begin anywhere in a line of the cache, by the history of what was
# allocated before. A row times a matrix took 5.1 us where it began with a line and 6.5
# where it did not (784 x 128, float32), so entries were told apart by luck.
# Inputs come first and the timed request after them, so that reading them is not timed.
SOURCE: Final = (
    RUN
    + """

def aligned(value):
    room = np.empty(value.nbytes + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    array = room[start : start + value.nbytes].view(value.dtype).reshape(value.shape)
    array[...] = value
    return array


class Bench(Run):
    copied = staticmethod(aligned)

    def give(self, *arrays):
        self.given = arrays

    def answer(self):
        return self.milestone.predict(self.tt, self.model, *self.given)

    def begin(self, build, seed):
        self.seed, self.budget["seed"], self.losses = seed, seed, []
        self.model = getattr(self.milestone, build)(
            self.tt, np.random.default_rng(seed)
        )

    def learn(self, slices):
        done = 0
        while done < slices and self.slice()[0]:
            done += 1
        return done

    def explain(self, texts):
        return self.milestone.explain(self.tt, self.model, texts)
"""
)
