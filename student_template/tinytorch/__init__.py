"""tinytorch: a small PyTorch in numpy, built module by module.

Every public name of every module can be imported from here. Names are looked up when
they are first used, so that a module which is not written yet, or does not import,
never breaks another one.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NAMES = {
    "setup": "system_info",
    "tensor": "Tensor",
    "activations": "Sigmoid ReLU Tanh GELU Softmax",
    "layers": "Layer Linear Dropout Sequential",
    "losses": "MSELoss CrossEntropyLoss BinaryCrossEntropyLoss log_softmax",
    "autograd": "no_grad",
    "optimizers": "SGD Adam AdamW",
    "training": "Trainer CosineSchedule clip_grad_norm",
    "spatial": "Conv2d MaxPool2d AvgPool2d BatchNorm2d Flatten",
    "dataloader": "Dataset TensorDataset DataLoader RandomHorizontalFlip RandomCrop "
    "Compose",
    "tokenization": "CharTokenizer BPETokenizer",
    "embeddings": "Embedding PositionalEncoding create_sinusoidal_embeddings "
    "EmbeddingLayer",
    "attention": "scaled_dot_product_attention MultiHeadAttention",
    "transformers": "LayerNorm MLP TransformerBlock GPT create_causal_mask",
    "profiling": "Profiler",
    "acceleration": "vectorized_matmul fused_gelu tiled_matmul baseline_matmul",
    "quantization": "quantize_int8 dequantize_int8 QuantizedLinear quantize_model "
    "model_size_bytes",
    "compression": "measure_sparsity magnitude_prune structured_prune "
    "low_rank_approximate KnowledgeDistillation",
    "caching": "KVCache enable_kv_cache disable_kv_cache",
    "benchmarking": "BenchmarkResult Benchmark",
    "capstone": "TinyMLPerfEntry",
}
_MODULE_OF = {name: file for file, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import the module that defines `name`, the first time it is used."""
    module = _MODULE_OF.get(name, name if name in _NAMES else "")
    if not module:
        msg = f"tinytorch has no {name!r}"
        raise AttributeError(msg)
    try:
        found = import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as exc:
        if exc.name not in (__name__, f"{__name__}.{module}"):
            raise  # the file is there and imports something that is not
        msg = f"{name!r} belongs to tinytorch/{module}.py, which does not exist yet"
        raise AttributeError(msg) from None
    value = found if name == module else getattr(found, name)
    globals()[name] = value  # the next use finds it here
    return value


def __dir__() -> list[str]:
    return sorted(_MODULE_OF)
