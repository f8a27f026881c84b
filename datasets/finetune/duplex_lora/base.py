"""Loads the base model from the GGUF file that is deployed, so that training uses the weights that will run."""

from __future__ import annotations

from pathlib import Path


def load(gguf: Path):
    """The model in 32-bit floats, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not gguf.is_file():
        raise SystemExit(f"there is no file {gguf}: `duplex models path llm` names the base model's")
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    return model, tokenizer
