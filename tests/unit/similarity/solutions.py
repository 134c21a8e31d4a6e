"""Two modules solved a second time, from the template and by another hand."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from similarity.classes import TEMPLATE

BODIES: Final = {
    "Activation.parameters": "return list()",
    "Sigmoid.forward": """
        z = np.exp(-np.abs(x.data))
        out = np.where(x.data >= 0, 1.0 / (1.0 + z), z / (1.0 + z))
        return Tensor._from_op(out, (x,), lambda g: (g * out * (1.0 - out),))
        """,
    "ReLU.forward": """
        positive = x.data > 0
        return Tensor._from_op(x.data * positive, (x,), lambda g: (g * positive,))
        """,
    "Tanh.forward": """
        out = np.tanh(x.data)
        return Tensor._from_op(out, (x,), lambda g: (g * (1.0 - out**2),))
        """,
    "GELU.forward": """
        c = 1.702
        z = np.exp(-np.abs(c * x.data))
        s = np.where(x.data >= 0, 1.0 / (1.0 + z), z / (1.0 + z))

        def back(g):
            slope = s + c * x.data * s * (1.0 - s)
            return (g * slope,)

        return Tensor._from_op(x.data * s, (x,), back)
        """,
    "Softmax.forward": """
        top = np.max(x.data, axis=dim, keepdims=True)
        e = np.exp(x.data - top)
        p = e / np.sum(e, axis=dim, keepdims=True)

        def back(g):
            inner = np.sum(g * p, axis=dim, keepdims=True)
            return (p * (g - inner),)

        return Tensor._from_op(p, (x,), back)
        """,
    "log_softmax": """
        m = np.max(x.data, axis=dim, keepdims=True)
        lse = m + np.log(np.sum(np.exp(x.data - m), axis=dim, keepdims=True))
        out = x.data - lse

        def back(g):
            total = np.sum(g, axis=dim, keepdims=True)
            return (g - total * np.exp(out),)

        return Tensor._from_op(out, (x,), back)
        """,
    "MSELoss.forward": """
        t = targets if isinstance(targets, Tensor) else Tensor(targets)
        if t.shape != predictions.shape:
            raise ValueError(f"MSELoss: {predictions.shape} and {t.shape} differ")
        n = max(1, predictions.data.size)
        d = predictions.data - t.data
        value = np.array((d**2).sum() / n)
        return Tensor._from_op(value, (predictions,), lambda g: (2.0 / n * g * d,))
        """,
    "CrossEntropyLoss.forward": """
        ids = targets.data if isinstance(targets, Tensor) else np.array(targets)
        ids = ids.astype(int)
        if ids.ndim != 1 or ids.shape[0] != logits.shape[0]:
            raise ValueError(f"one class a row: {logits.shape} against {ids.shape}")
        logp = log_softmax(Tensor(logits.data), 1).data
        onehot = np.zeros_like(logp)
        for row, label in enumerate(ids):
            onehot[row, label] = 1.0
        loss = -(onehot * logp).sum() / len(ids)

        def back(g):
            return ((np.exp(logp) - onehot) * (g / len(ids)),)

        return Tensor._from_op(np.array(loss), (logits,), back)
        """,
    "BinaryCrossEntropyLoss.forward": """
        t = targets.data if isinstance(targets, Tensor) else np.array(targets)
        if t.shape != predictions.shape:
            raise ValueError(f"{t.shape} is not the shape {predictions.shape}")
        q = np.minimum(np.maximum(predictions.data, CLIP), 1 - CLIP)
        total = 0.0
        for want, have in zip(t.ravel(), q.ravel()):
            total -= want * np.log(have) + (1 - want) * np.log(1 - have)

        def back(g):
            return (g / q.size * (q - t) / (q * (1 - q)),)

        return Tensor._from_op(np.array(total / q.size), (predictions,), back)
        """,
}
_STUB: Final = re.compile(
    r'^( *)raise NotImplementedError\("TODO [\d.]+: (.+)"\)', re.MULTILINE
)


def second_solution() -> dict[str, str]:
    """Return the template's activations and losses with these bodies in them."""
    names = ("activations.py", "losses.py")
    return {n: _STUB.sub(_body, (TEMPLATE / n).read_text("utf8")) for n in names}


def _body(found: re.Match[str]) -> str:
    return textwrap.indent(textwrap.dedent(BODIES[found[2]]).strip(), found[1])
