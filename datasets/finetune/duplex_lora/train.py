"""Training."""

from __future__ import annotations

import json
import math
import random
import signal
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MethodType

from .layout import Example, Layout

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass
class Recipe:
    """The parameters of a run; saved in its checkpoints, so that a resumed run continues with the same ones."""

    rank: int = 16
    rate: float = 1e-3
    tokens_a_step: int = 2048
    tokens: int = 600_000
    slices_ms: tuple[int, ...] = ()
    longest: int = 512
    hyperfit: int = 0
    # Tokens of plain chat per token of dialogues, and the weight of the divergence from the base model on them.
    chat: float = 0.2
    keep: float = 2.0
    # Data type of matrix products: `bfloat16`, `float32`, or, if empty, the one the device has units for.
    precision: str = ""
    # Time limit in minutes, whatever the tokens; 0 for none.
    minutes: float = 0.0
    # Loss weights of decisions by phase that differ from `DECISION_WEIGHTS`.
    weights: dict[str, float] = field(default_factory=dict)
    seed: int = 0


def read(path: Path, layout: Layout, recipe: Recipe, most: int) -> list[Example]:
    """The examples of a file that are short enough and have the recipe's slice lengths; about `most` tokens in all."""
    examples, tokens = [], 0
    if not path.is_file():
        raise SystemExit(f"there is no file {path}: `duplex-datasets build` makes it")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                dialogue = json.loads(line)
            except json.JSONDecodeError as error:
                raise SystemExit(f"{path}:{number}: not a dialogue: {error}") from error
            if recipe.slices_ms and dialogue["slice_ms"] not in recipe.slices_ms:
                continue
            example = layout.example(dialogue)
            if len(example.tokens) > recipe.longest:
                continue
            examples.append(example)
            tokens += len(example.tokens)
            if recipe.hyperfit and len(examples) == recipe.hyperfit:
                break
            if tokens > most:
                break
    if not examples:
        raise SystemExit(f"{path} has no dialogue of the slice lengths {recipe.slices_ms}")
    return examples


def read_chats(path: Path, layout: Layout, recipe: Recipe) -> list[Example]:
    """Conversations in plain turns, on which the model should stay close to the base model."""
    chats = []
    if not path.is_file():
        raise SystemExit(f"there is no file {path}: `duplex-datasets build` makes it; --chat 0 does without")
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            chat = layout.chat(json.loads(line))
            if len(chat.tokens) <= recipe.longest:
                chats.append(chat)
    return chats


def batches(examples: list[Example], tokens: int, rng: random.Random) -> list[list[Example]]:
    """Batches of about `tokens` tokens, of examples of similar length, in random order."""
    examples = sorted(examples, key=lambda example: (len(example.tokens), rng.random()))
    made, batch = [], []
    for example in examples:
        if batch and (len(batch) + 1) * len(example.tokens) > tokens:
            made.append(batch)
            batch = []
        batch.append(example)
    made.append(batch)
    rng.shuffle(made)
    return made


def tensors(batch: list[Example], device):
    """Tokens, positions, the attention mask, and the targets of a batch."""
    import torch

    length = max(len(example.tokens) for example in batch)

    def padded(values, fill: int):
        rows = [row + [fill] * (length - len(row)) for row in values]
        return torch.tensor(rows, dtype=torch.long).to(device, non_blocking=True)

    tokens = padded((example.tokens for example in batch), 0)
    positions = padded((example.positions for example in batch), 0)
    sees = padded((example.sees for example in batch), 0)
    branch = padded((example.branch for example in batch), -1)
    place = torch.arange(length, device=device)
    trunk = (branch == 0)[:, None, :] & (place < sees[:, :, None])
    before = place <= place[:, None]
    own = (branch[:, None, :] == branch[:, :, None]) & before & (branch > 0)[:, :, None]
    # Padding attends to itself, so that no row of the softmax is empty.
    pads = (branch < 0)[:, :, None] & (place == place[:, None])
    mask = (trunk | own | pads)[:, None]
    targets = [(row, *target) for row, example in enumerate(batch) for target in example.targets]
    move = lambda values, dtype=torch.long: torch.tensor(values, dtype=dtype).to(device, non_blocking=True)
    rows, columns, wanted = (move([target[at] for target in targets]) for at in range(3))
    return tokens, positions, mask, rows, columns, wanted, move([target[3] for target in targets], torch.float32)


def logits(model, batch, device):
    """Logits at the targets of a batch, with the targets and their weights."""
    import torch

    tokens, positions, mask, rows, columns, wanted, weights = tensors(batch, device)
    floats = torch.zeros(mask.shape, dtype=torch.float32, device=device)
    floats.masked_fill_(~mask, torch.finfo(torch.float32).min)
    inner = model.base_model.model if hasattr(model, "peft_config") else model
    hidden = inner.model(
        input_ids=tokens, position_ids=positions, attention_mask=floats, use_cache=False
    ).last_hidden_state
    return inner.lm_head(hidden[rows, columns]).float(), wanted, weights


def divergence(model, batch, device):
    """Mean Kullback-Leibler divergence of the model from the base model on plain chat, KL(base || model), in nats."""
    import torch
    import torch.nn.functional as F

    found, *_ = logits(model, batch, device)
    with torch.no_grad(), model.disable_adapter():
        base, *_ = logits(model, batch, device)
    return F.kl_div(found.log_softmax(-1), base.log_softmax(-1), reduction="batchmean", log_target=True)


def merge(model, half: bool) -> None:
    """Makes every adapted projection multiply by one matrix, `W + scale * B A`, instead of by three.

    The function and the gradients are the same. It costs one more full-size product in the backward pass, and saves the
    thin ones of rank `r`, which the matrix units of a CPU handle badly: with bfloat16 a step takes two thirds of the
    time there.
    """
    import torch
    import torch.nn.functional as F
    from peft.tuners.lora import Linear

    def multiply(module, x):
        if module.disable_adapters:
            return module.base_layer(x)
        a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
        whole = torch.addmm(module.base_layer.weight, b, a, alpha=module.scaling["default"])
        return F.linear(x, whole, module.base_layer.bias)

    for module in model.modules():
        if isinstance(module, Linear):
            if half:
                module.base_layer.to(torch.bfloat16)
            module.forward = MethodType(multiply, module)


def multiplies_bfloat16(device: str) -> bool:
    """Whether the device has units for bfloat16 products. Other CPUs are far slower with it than with 32 bits."""
    import torch

    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def is_half(recipe: Recipe, device: str) -> bool:
    """Whether products are computed in bfloat16."""
    return recipe.precision == "bfloat16" if recipe.precision else multiplies_bfloat16(device)


def rate_at(share: float, step: int) -> float:
    """The learning rate as a fraction of the highest: a short warm-up, a plateau, and a decay over the last 40 %."""
    rise = min(1.0, (step + 1) / 20)
    return rise * (1.0 if share < 0.6 else max(0.02, (1 - share) / 0.4))


def train(model, tokenizer, data: Path, out: Path, recipe: Recipe, resume: bool):
    """Trains a LoRA on `model` and writes to `out`: checkpoint.pt, log.jsonl, loss.svg, and peft's adapter.

    Plain chat is read from chat.jsonl next to `data`. Returns the model with its LoRA, and the recipe that was used.
    """
    import torch
    import torch.nn.functional as F
    from peft import LoraConfig, get_peft_model

    out.mkdir(parents=True, exist_ok=True)
    saved = out / "checkpoint.pt"
    state = torch.load(saved, map_location="cpu", weights_only=False) if resume and saved.exists() else None
    if resume and state is None:
        print(f"there is no checkpoint in {out}: beginning anew")
    if state:
        recipe = Recipe(**state["recipe"])
    layout = Layout(tokenizer, recipe.weights)
    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    examples = read(data, layout, recipe, recipe.tokens)
    chats = read_chats(data.with_name("chat.jsonl"), layout, recipe) if recipe.chat else []
    config = LoraConfig(
        r=recipe.rank, lora_alpha=2 * recipe.rank, lora_dropout=0.0, target_modules=PROJECTIONS, bias="none", task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, config).to(device).train()
    half = is_half(recipe, device)
    # TF32: products round their 32-bit inputs to 19 bits and accumulate in 32. No effect on a CPU.
    torch.backends.cuda.matmul.allow_tf32 = True
    merge(model, half)
    if device == "cpu":
        # With a mask, fused attention on a CPU is slower than eager attention.
        model.set_attn_implementation("eager")
    learnt = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    fused = device != "cpu"
    optimizer = torch.optim.AdamW([p for _, p in learnt], lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.98), fused=fused)
    seen, step = 0, 0
    if state:
        with torch.no_grad():
            for name, p in learnt:
                p.copy_(state["weights"][name])
        optimizer.load_state_dict(state["optimizer"])
        seen, step = state["seen"], state["step"]
        rng.setstate(state["rng"])
    # A shell that starts it in the background makes it ignore Ctrl-C; SIGTERM too must not lose any work.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    log = open_log(out / "log.jsonl", step)
    now = kept = time.monotonic()
    # A resumed run has already used some of its minutes.
    begun = now - (state.get("spent", 0.0) if state else 0.0)
    seen_before = seen
    kind = "bfloat16" if half else "32 bits"
    print(f"{len(examples)} dialogues, {recipe.tokens} tokens on {device} in {kind}", flush=True)

    def keep() -> None:
        report()
        weights = {name: p.detach().cpu() for name, p in learnt}
        whole = {
            "recipe": asdict(recipe), "weights": weights, "optimizer": optimizer.state_dict(),
            "seen": seen, "step": step, "spent": time.monotonic() - begun, "rng": rng.getstate(),
        }
        beside = saved.with_suffix(".part")
        torch.save(whole, beside)
        beside.replace(saved)

    # Values to be logged. Reading them waits for the device, so it is not done at every step.
    unread: list[tuple[int, int, object]] = []

    def report() -> None:
        if not unread:
            return
        while unread:
            at, tokens, figures = unread.pop(0)
            loss, right, apart = figures.tolist()
            if not math.isfinite(loss):
                raise SystemExit(f"the loss is {loss} at step {at}: try a lower --rate")
            log.write(json.dumps({"step": at, "tokens": tokens, "loss": loss, "idle_right": right, "apart": apart}) + "\n")
        log.flush()
        a_second = (seen - seen_before) / max(1e-9, time.monotonic() - now)
        print(f"step {at}  loss {loss:.3f}  apart {apart:.3f}  {seen}/{recipe.tokens} tokens, {a_second:.0f}/s", flush=True)

    queue: list[list[Example]] = []
    chat_queue: list[list[Example]] = []
    try:
        while (share := done(recipe, seen, begun)) < 1:
            if not queue:
                queue = batches(examples, recipe.tokens_a_step, rng)
            batch = queue.pop()
            rate = recipe.rate * rate_at(share, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
                found, wanted, weights = logits(model, batch, device)
            each = F.cross_entropy(found, wanted, reduction="none")
            loss = (each * weights).sum() / weights.sum()
            loss.backward()
            apart = torch.zeros_like(loss)
            if chats:
                if not chat_queue:
                    chat_queue = batches(chats, max(1, int(recipe.chat * recipe.tokens_a_step)), rng)
                with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
                    apart = divergence(model, chat_queue.pop(), device)
                (recipe.keep * apart).backward()
            torch.nn.utils.clip_grad_norm_([p for _, p in learnt], 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seen += sum(len(example.tokens) for example in batch)
            step += 1
            right = ((found.argmax(-1) == layout.idle) == (wanted == layout.idle)).float().mean()
            unread.append((step, seen, torch.stack([loss.detach(), right, apart.detach()])))
            if len(unread) == 10:
                report()
            if time.monotonic() - kept > 120:
                keep()
                kept = time.monotonic()
        keep()
    except KeyboardInterrupt:
        keep()
        raise SystemExit(f"interrupted at step {step}; --resume goes on") from None
    finally:
        log.close()
    model.save_pretrained(out)
    draw(out)
    return model, recipe


def judge(model, tokenizer, test: Path, recipe: Recipe, count: int) -> None:
    """Prints how many of a trained model's decisions are right in the first `count` dialogues of `test`."""
    device = next(model.parameters()).device.type
    layout = Layout(tokenizer)
    examples = read(test, layout, replace(recipe, hyperfit=count), 10**9)
    show(score(model.eval(), examples, layout, device, is_half(recipe, device)))


def done(recipe: Recipe, seen: int, begun: float) -> float:
    """The completed share of a run."""
    minutes = (time.monotonic() - begun) / 60
    return max(seen / recipe.tokens, minutes / recipe.minutes if recipe.minutes else 0.0)


def score(model, examples: list[Example], layout: Layout, device: str, half: bool) -> dict[str, list[int]]:
    """Teacher-forced decisions of `examples` by phase: how many are right at a threshold of 0.5, and how many in all."""
    import torch

    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for batch in batches(examples, 8192, random.Random(0)):
        for example in batch:
            example.targets = [(it.at, it.speaks, 1.0) for it in example.decisions]
        with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            found, speaks, _ = logits(model, batch, device)
        right = ((found.softmax(-1)[:, layout.idle] < 0.5) == speaks.bool()).tolist()
        phases = [it.phase for example in batch for it in example.decisions]
        for phase, is_right in zip(phases, right):
            counts[phase][0] += is_right
            counts[phase][1] += 1
    return counts


def show(counts: dict[str, list[int]]) -> None:
    for phase, (right, count) in sorted(counts.items()):
        print(f"held out: {phase:12} {100 * right / count:5.1f} % of {count}")
    judged = [its for phase, its in counts.items() if phase != "hold"]
    right, count = (sum(its[at] for its in judged) for at in range(2))
    print(f"held out: all but hold {100 * right / count:.1f} % of {count}")


def open_log(path: Path, step: int):
    """Opens the log, truncated to a step: the steps after a checkpoint are run, and logged, again."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if step and path.exists() else []
    log = path.open("w", encoding="utf-8")
    log.writelines(line for line in lines if json.loads(line)["step"] <= step)
    return log


def draw(out: Path) -> None:
    """Plots the loss over the tokens."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    lines = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    tokens = [line["tokens"] for line in lines]
    smooth, values = None, []
    for line in lines:
        smooth = line["loss"] if smooth is None else 0.95 * smooth + 0.05 * line["loss"]
        values.append(smooth)
    figure, (axes, beside) = plt.subplots(2, 1, sharex=True, figsize=(8, 5))
    axes.plot(tokens, [line["loss"] for line in lines], color="#c8d4e4", linewidth=0.6)
    axes.plot(tokens, values, color="#33587f")
    axes.set(ylabel="weighted loss")
    beside.plot(tokens, [line.get("apart", 0.0) for line in lines], color="#33587f", linewidth=0.6)
    beside.set(xlabel="tokens", ylabel="from the base model (nats)")
    figure.tight_layout()
    figure.savefig(out / "loss.svg")
