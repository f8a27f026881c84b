"""Writes a trained LoRA as a GGUF adapter for llama.cpp."""

from __future__ import annotations

import re
from pathlib import Path

# Names of the projections in llama.cpp.
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
KEY = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight")


def permuted(rows, heads: int):
    """Rows of a query or key projection in llama.cpp's order.

    For rotary embeddings, transformers pairs the two halves of a head, llama.cpp neighbouring elements. The base
    model's rows were reordered, so the adapter's must be too. Without it the adapter loads and is silently wrong.
    """
    size = rows.shape[0] // heads // 2
    return rows.reshape(heads, 2, size, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def export(weights: dict, config, alpha: float, out: Path, permute: bool = True) -> int:
    """Writes `weights` (arrays by peft's names) to `out` and returns the number of tensors.

    `permute` is off only to show its effect.
    """
    import gguf
    import numpy as np

    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    writer.add_name("duplex adapter for SmolLM2-135M-Instruct")
    for key in sorted(weights):
        found = KEY.fullmatch(key)
        if not found:
            raise ValueError(f"`{key}` is no weight of an adapter")
        layer, projection, side = found.groups()
        name = NAMES[projection]
        rows = np.asarray(weights[key], dtype=np.float32)
        if permute and side == "B" and name in heads:
            rows = permuted(rows, heads[name])
        tensor = np.ascontiguousarray(rows.astype(np.float16))
        writer.add_tensor(f"blk.{layer}.{name}.weight.lora_{side.lower()}", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(weights)
