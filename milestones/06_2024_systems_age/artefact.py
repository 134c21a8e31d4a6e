"""A model as one file: written, read, and answering in a new process.

The file is laid out like safetensors: eight bytes with the length of the head, the
head (JSON: dtype and shape by name), then the bytes of all arrays in that order.
Nothing in it can be executed, and a small model is not outweighed by its container,
as it is in an npz file with its quarter of a kB an array.

Weights (two or more axes) may be kept in int8, with scale and zero point. Pruned ones
are kept as one bit a place and the values that are left.

Run as a script this module is the new process:
    python artefact.py FOLDER SCRIPT BUILD artefact inputs outputs
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

_LENGTH: Final = 8  # bytes of the number in front
_SPARSE: Final = 0.25  # share of zeros from which a bit a place is worth it
_DTYPES: Final = ("|i1", "|u1", "<f4", "<f8", "<i8")


def save(path: Path, arrays: Arrays) -> int:
    """Write `arrays`; return the bytes of the file."""
    head = {name: [a.dtype.str, a.shape] for name, a in arrays.items()}
    text = json.dumps(head, separators=(",", ":")).encode()
    body = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays.values())
    path.write_bytes(len(text).to_bytes(_LENGTH, "little") + text + body)
    return path.stat().st_size


def read(path: Path) -> Arrays:
    """Return what `save` wrote.

    Raises:
        ValueError: an array has another dtype than `save` writes.
    """
    raw = path.read_bytes()
    end = _LENGTH + int.from_bytes(raw[:_LENGTH], "little")
    arrays = {}
    for name, (dtype, shape) in json.loads(raw[_LENGTH:end]).items():
        if dtype not in _DTYPES:
            message = f"{path.name}: {name} has dtype {dtype}"
            raise ValueError(message)
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(raw, dtype, count, end)
        arrays[name] = flat.reshape(shape).copy()
        end += flat.nbytes
    return arrays


def arrays_of(tt: Any, model: Any, *, int8: bool) -> Arrays:
    """Return all parameters and buffers of the layers of `model` by path."""
    arrays: Arrays = {}
    for path, tensor in _tensors(tt, model, ""):
        values = np.asarray(tensor.data, np.float32)
        if values.ndim >= 2:
            zeros = values == 0
            if zeros.mean() >= _SPARSE:
                arrays[f"{path}.places"] = np.packbits(~zeros)
                arrays[f"{path}.shape"] = np.array(values.shape, np.int64)
                values = values[~zeros]
            if int8:
                # With a zero at the end, the grid has one for what is pruned.
                q, scale, zero_point = tt.quantize_int8(
                    tt.Tensor(np.append(values.ravel(), np.float32(0)))
                )
                arrays[f"{path}.scale"] = np.array(scale, np.float64)
                arrays[f"{path}.zero_point"] = np.array(zero_point, np.int64)
                values = q[:-1].reshape(values.shape)
        arrays[path] = values
    return arrays


def restored(tt: Any, model: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    """Return a freshly built model with the saved weights.

    Linear layers saved in int8 become QuantizedLinear: one byte a weight in memory,
    too. All other layers are float32 again.
    """
    return {name: _restored(tt, part, name, arrays) for name, part in model.items()}


def bytes_in_memory(tt: Any, model: dict[str, Any]) -> int:
    """Return what the arrays of all layers take, by module 16."""
    return sum(int(tt.model_size_bytes(layer)) for layer in model.values())


def ask_new_process(command: list[str], folder: Path, x: Any) -> tuple[Any, float]:
    """Return the answers of a new process to `x`, and how many seconds it ran.

    Args:
        command: folder and name of the script, name of the function that builds.
        folder: holds the file `artefact`; inputs and outputs are written there.
    """
    save(folder / "inputs", {"x": x})
    names = [str(folder / name) for name in ("artefact", "inputs", "outputs")]
    start = time.perf_counter()
    subprocess.run([sys.executable, __file__, *command, *names], check=True)  # noqa: S603
    spent = time.perf_counter() - start
    return read(folder / "outputs")["y"], spent


def _tensors(tt: Any, part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, Tensor) of all tensors in layers, dicts and lists."""
    dot = f"{path}." if path else ""
    for name, value in _items(part):
        if isinstance(value, tt.Tensor):
            yield f"{dot}{name}", value
        elif isinstance(value, list | dict) or hasattr(value, "parameters"):
            yield from _tensors(tt, value, f"{dot}{name}")


def _items(part: Any) -> list[tuple[str, Any]]:
    if isinstance(part, dict):
        return list(part.items())
    if isinstance(part, list):
        return [(str(i), value) for i, value in enumerate(part)]
    return list(vars(part).items())


def _restored(tt: Any, part: Any, path: str, arrays: Arrays) -> Any:
    thin = arrays.get(f"{path}.layers.0.weight")
    if isinstance(part, tt.Linear) and thin is not None:
        part = two_layers(tt, thin, arrays[f"{path}.layers.1.weight"], part.bias)
    saved = arrays.get(f"{path}.weight")
    if isinstance(part, tt.Linear) and saved is not None and saved.dtype == np.int8:
        return _small_linear(tt, part, path, arrays)
    for name, value in _items(part):
        here = f"{path}.{name}"
        if isinstance(value, tt.Tensor):
            value.data = _dense(tt, here, arrays)
        elif hasattr(value, "parameters"):
            setattr(part, name, _restored(tt, value, here, arrays))
        elif isinstance(value, list):
            value[:] = [
                _restored(tt, one, f"{here}.{i}", arrays)
                if hasattr(one, "parameters")
                else one
                for i, one in enumerate(value)
            ]
    return part


def two_layers(tt: Any, left: Any, right: Any, bias: Any) -> Any:
    """Return Linear-Linear whose weights are `left` and `right`, of low rank.

    Shapes: left (m, k), right (k, n), bias (n,), a Tensor, or None
    """
    first = tt.Linear(*left.shape, bias=False)
    second = tt.Linear(*right.shape, bias=bias is not None)
    first.weight.data, second.weight.data = left, right
    if bias is not None:
        second.bias.data = bias.data.copy()
    return tt.Sequential(first, second)


def _small_linear(tt: Any, linear: Any, path: str, arrays: Arrays) -> Any:
    """Return a QuantizedLinear that holds the saved bytes."""
    layer = tt.QuantizedLinear(linear)
    layer.scale = float(arrays[f"{path}.weight.scale"])
    layer.zero_point = int(arrays[f"{path}.weight.zero_point"])
    layer.weight = _unpacked(f"{path}.weight", arrays, layer.zero_point)
    if linear.bias is not None:
        layer.bias = tt.Tensor(arrays[f"{path}.bias"])
    return layer


def _dense(tt: Any, path: str, arrays: Arrays) -> NDArray[np.float32]:
    """Return the saved array in float32."""
    if arrays[path].dtype != np.int8:
        return _unpacked(path, arrays, 0).astype(np.float32)
    scale, zero_point = arrays[f"{path}.scale"], arrays[f"{path}.zero_point"]
    plain = tt.dequantize_int8(arrays[path], float(scale), int(zero_point)).data
    whole: NDArray[np.float32] = _unpacked(path, arrays | {path: plain}, 0)
    return whole


def _unpacked(path: str, arrays: Arrays, zero: int) -> NDArray[Any]:
    """Return the saved values in their places, `zero` in the others."""
    values = arrays[path]
    if f"{path}.places" not in arrays:
        return values
    shape = tuple(arrays[f"{path}.shape"].tolist())
    count = int(np.prod(shape))
    there = np.unpackbits(arrays[f"{path}.places"], count=count).astype(bool)
    whole = np.full(count, zero, values.dtype)
    whole[there] = values
    return whole.reshape(shape)


def main() -> None:
    """Build the model, fill it from the artefact, answer the inputs."""
    import tinytorch as tt  # noqa: PLC0415 - only the new process needs it here
    from subjects import script_of  # noqa: PLC0415

    folder, name, build, *paths = sys.argv[1:]
    weights, inputs, outputs = map(Path, paths)
    script = script_of(folder, name)
    model = getattr(script, build)(tt, np.random.default_rng(0))
    model = restored(tt, model, read(weights))
    answers = script.predict(tt, model, read(inputs)["x"])
    save(outputs, {"y": np.asarray(answers, np.float32)})


if __name__ == "__main__" and sys.argv[1:]:  # a process of optimize_models.py
    main()
