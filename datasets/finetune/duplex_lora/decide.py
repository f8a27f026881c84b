"""The trained adapter's decisions in PyTorch, for the test that llama.cpp decides the same."""

from __future__ import annotations

import json
from pathlib import Path

from .layout import Layout
from .train import tensors


def decide(model, layout: Layout, data: Path, adapter: Path, count: int, out: Path) -> None:
    """Writes, for the first `count` dialogues of `data`: the dialogue, its tokens, and P(idle) at each decision."""
    import torch
    from peft import PeftModel

    model = PeftModel.from_pretrained(model, adapter).eval()
    with data.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as written:
        for _, line in zip(range(count), lines):
            dialogue = json.loads(line)
            example = layout.example(dialogue)
            tokens, positions, mask, *_ = tensors([example], "cpu")
            floats = torch.zeros(mask.shape).masked_fill_(~mask, torch.finfo(torch.float32).min)
            with torch.no_grad():
                logits = model(input_ids=tokens, position_ids=positions, attention_mask=floats, use_cache=False).logits[0]
            idle = logits.softmax(-1)[:, layout.idle]
            # In order of time: the branches are at the end of the tokens, but precede the slice that follows them.
            decisions = sorted(example.decisions, key=lambda it: (example.positions[it.at], example.branch[it.at] == 0))
            record = {
                "dialogue": dialogue,
                "tokens": [token for token, branch in zip(example.tokens, example.branch) if branch == 0],
                "idle": [round(idle[decision.at].item(), 4) for decision in decisions],
            }
            written.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
