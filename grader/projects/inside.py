"""What is sent into the sandbox beside a project's script. Nothing here is secret."""

from __future__ import annotations

from typing import Final

SOURCE: Final = """
import functools
import numpy as np


def placed(method):
    # remember the script's own line, which the answer to an error does not have
    @functools.wraps(method)
    def call(self, *args):
        try:
            return method(self, *args)
        except BaseException as exc:
            trace, self.place = exc.__traceback__, ""
            while trace is not None:
                code = trace.tb_frame.f_code
                if code.co_filename == "<project>":
                    self.place = f"{trace.tb_lineno}, in {code.co_name}"
                trace = trace.tb_next
            raise
    return call


class Run:
    def __init__(self, tt, script, seed, cpu_s):
        self.tt, self.script, self.place = tt, script, ""
        self.rng = np.random.default_rng(seed)
        self.budget = {"seed": seed, "cpu_s": cpu_s}
        self.loss = self.metric = None

    def log(self, loss=None, metric=None, **more):
        if loss is not None:
            self.loss = float(loss)
        if metric is not None:
            self.metric = float(metric)

    @placed
    def build(self, name):
        self.model = getattr(self.script, name)(self.tt, self.rng)

    @placed
    def start(self, data):
        steps = self.script.train(self.tt, self.model, data, self.budget, self.log)
        self.steps = iter(()) if steps is None else iter(steps)

    @placed
    def slice(self):
        for _ in self.steps:
            return True, self.loss, self.metric
        return False, self.loss, self.metric

    @placed
    def predict(self, x):
        out = np.asarray(self.script.predict(self.tt, self.model, x), np.float32)
        return out.reshape(-1, 1) if out.ndim == 1 else out

    def where(self):
        return self.place
"""
