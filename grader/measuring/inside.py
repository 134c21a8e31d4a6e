"""What is sent into a sandbox beside a workload's script. Nothing here is secret."""

from __future__ import annotations

from typing import Final

from grader.training.inside import SOURCE as RUN

# Inputs come first and the timed request after them, so that reading them is not timed.
SOURCE: Final = (
    RUN
    + """

class Bench(Run):
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
