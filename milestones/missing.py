"""What an unfinished package raises, in one line that says what is needed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from milestones.datasets import DataMissingError

MODULES: Final = {
    "01": "setup",
    "02": "tensor",
    "03": "activations",
    "04": "layers",
    "05": "losses",
    "06": "autograd",
    "07": "optimizers",
    "08": "training",
    "09": "spatial",
    "10": "tokenization",
    "11": "embeddings",
    "12": "attention",
    "13": "transformers",
    "14": "profiling",
    "15": "acceleration",
    "16": "quantization",
    "17": "compression",
    "18": "caching",
    "19": "benchmarking",
    "20": "capstone",
}
# Where a name lives, for the message when it is not there at all.
_NAMES: Final = {
    "01": "system_info",
    "02": "Tensor",
    "03": "Sigmoid ReLU Tanh GELU Softmax",
    "04": "Layer Linear Dropout Sequential parameters",
    "05": "MSELoss CrossEntropyLoss BinaryCrossEntropyLoss log_softmax",
    "06": "backward zero_grad no_grad",
    "07": "SGD Adam AdamW",
    "08": "Trainer CosineSchedule clip_grad_norm train_epoch save_checkpoint",
    "09": "Conv2d MaxPool2d AvgPool2d BatchNorm2d Flatten Dataset TensorDataset "
    "DataLoader RandomHorizontalFlip RandomCrop Compose",
    "10": "CharTokenizer BPETokenizer",
    "11": "Embedding PositionalEncoding create_sinusoidal_embeddings EmbeddingLayer",
    "12": "scaled_dot_product_attention MultiHeadAttention",
    "13": "LayerNorm MLP TransformerBlock GPT create_causal_mask",
    "14": "Profiler",
    "15": "vectorized_matmul fused_gelu tiled_matmul",
    "16": "quantize_int8 dequantize_int8 QuantizedLinear quantize_model "
    "model_size_bytes",
    "17": "measure_sparsity magnitude_prune structured_prune low_rank_approximate "
    "KnowledgeDistillation",
    "18": "KVCache enable_kv_cache disable_kv_cache",
    "19": "BenchmarkResult Benchmark",
    "20": "TinyMLPerfEntry",
}
_HOMES: Final = {name: n for n, names in _NAMES.items() for name in names.split()}
# Two files belong to one module, number 09.
_NUMBERS: Final = {file: n for n, file in MODULES.items()} | {"dataloader": "09"}


@contextmanager
def explained() -> Iterator[None]:
    """Turn what an unfinished package raises into one line that says what is needed."""
    try:
        yield
    except DataMissingError as exc:
        _stop(str(exc))
    except ModuleNotFoundError as exc:
        package, _, file = (exc.name or "").partition(".")
        if package != "tinytorch":
            raise
        if not file:
            _stop("tinytorch is not installed here: run `make setup` first")
        number = _NUMBERS.get(file, "")
        _stop(f"needs module {number} {file}: {exc.name} is not there yet")
    except NotImplementedError as exc:
        found = re.search(r"TODO\W*(\d+)\.(\d+)\W*(.*)", str(exc))
        if found is None:
            raise
        number = found[1].zfill(2)
        todo = f"TODO {found[1]}.{found[2]} {found[3]}".rstrip()
        _stop(f"needs module {number} {MODULES.get(number, '')}: {todo}")
    except (AttributeError, ImportError) as exc:
        # "'Tensor' object has no attribute 'backward'": the last name is missing
        missing = (re.findall(r"'(\w+)'", str(exc)) or [""])[-1]
        if missing not in _HOMES:
            raise
        number = _HOMES[missing]
        _stop(f"needs module {number} {MODULES[number]}: {missing} is not there yet")


def _stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)
