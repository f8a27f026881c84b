"""The command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from . import base
from .decide import decide
from .export import export
from .layout import DECISION_WEIGHTS, Layout
from .train import Recipe, judge, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="duplex_lora", description="Trains the duplex adapter and writes it as GGUF.")
    parser.add_argument("--base", type=Path, required=True, help="the base model's GGUF file")
    commands = parser.add_subparsers(dest="command", required=True)
    default = Recipe()

    learn = commands.add_parser("train", help="train, and write duplex.gguf")
    learn.add_argument("--data", type=Path, default=Path("out/dialogues/train.jsonl"))
    learn.add_argument("--out", type=Path, default=Path("out/adapter"))
    learn.add_argument("--rank", type=int, default=default.rank)
    learn.add_argument("--rate", type=float, default=default.rate, help="highest learning rate")
    learn.add_argument("--tokens", type=int, default=default.tokens, help="tokens to train on, repeats included")
    learn.add_argument("--tokens-a-step", type=int, default=default.tokens_a_step)
    learn.add_argument("--slices", type=int, nargs="*", default=[], metavar="MS", help="only dialogues of these slice lengths")
    learn.add_argument("--hyperfit", type=int, default=0, metavar="N", help="train on the first N dialogues only, repeatedly (arXiv 2412.04318)")
    learn.add_argument("--chat", type=float, default=default.chat, help="tokens of plain chat per token of dialogues; 0 for none")
    learn.add_argument("--keep", type=float, default=default.keep, help="weight of the divergence from the base model on plain chat")
    learn.add_argument("--precision", choices=["bfloat16", "float32"], default=default.precision, help="data type of matrix products; by default the one the device has units for")
    learn.add_argument("--minutes", type=float, default=default.minutes, help="end after so many minutes, even before --tokens; 0 for no limit")
    learn.add_argument("--weight", action="append", type=weight, default=[], metavar="PHASE=W", help="loss weight of decisions of one phase")
    learn.add_argument("--held-out", type=int, default=100, metavar="N", help="evaluate the result on the first N dialogues of test.jsonl; 0 for none")
    learn.add_argument("--seed", type=int, default=default.seed)
    learn.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    learn.add_argument("--resume", action="store_true", help="continue from the checkpoint in the output folder")

    write = commands.add_parser("export", help="write duplex.gguf of a trained adapter again")
    write.add_argument("--out", type=Path, default=Path("out/adapter"))
    write.add_argument("--no-permutation", action="store_true", help="leave out the permutation of rows, to show its effect")

    tell = commands.add_parser("decisions", help="write a trained adapter's decisions, for the tests of the runtime")
    tell.add_argument("--data", type=Path, default=Path("out/dialogues/test.jsonl"))
    tell.add_argument("--out", type=Path, default=Path("out/adapter"))
    tell.add_argument("--count", type=int, default=30)
    tell.add_argument("--file", type=Path, default=Path("datasets/tests/decisions.jsonl"))

    args = parser.parse_args()
    model, tokenizer = base.load(args.base)
    if args.command == "decisions":
        decide(model, Layout(tokenizer), args.data, args.out, args.count, args.file)
        return
    if args.command == "train":
        import torch

        torch.set_num_threads(args.threads)
        recipe = Recipe(
            rank=args.rank, rate=args.rate, tokens=args.tokens, tokens_a_step=args.tokens_a_step,
            slices_ms=tuple(args.slices), hyperfit=args.hyperfit, chat=args.chat, keep=args.keep, precision=args.precision, minutes=args.minutes,
            weights=dict(args.weight), seed=args.seed,
        )
        trained, recipe = train(model, tokenizer, args.data, args.out, recipe, args.resume)
    write_gguf(model.config, args.out, permute=not getattr(args, "no_permutation", False))
    test = args.data.with_name("test.jsonl") if args.command == "train" else None
    if test and args.held_out and test.exists():
        judge(trained, tokenizer, test, recipe, args.held_out)


def weight(text: str) -> tuple[str, float]:
    phase, _, value = text.partition("=")
    if phase not in DECISION_WEIGHTS:
        raise argparse.ArgumentTypeError(f"`{phase}` is none of {', '.join(DECISION_WEIGHTS)}")
    return phase, float(value)


def write_gguf(config, out: Path, permute: bool) -> None:
    import json

    from safetensors.numpy import load_file

    alpha = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))["lora_alpha"]
    path = out / "duplex.gguf"
    count = export(load_file(out / "adapter_model.safetensors"), config, alpha, path, permute)
    print(f"{path}: {count} tensors, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
