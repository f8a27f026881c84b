"""Lays out dialogues as tokens.

A slice is `MARK_USER words-or-IDLE MARK_ASSISTANT words-or-IDLE`; the last words of a reply are followed by IDLE too,
and so are words of the user after which the user fell silent. The three marks are control tokens of the vocabulary.
All speech is tokenised as plain text, so that nobody can say a control token.

A slice in which neither side speaks leaves no trace in what follows it except a longer silence: the user's part of the
next slice without words has an IDLE for every such slice directly before it, up to four in all. Such a slice only asks
for a decision in the state before it, and is laid out as a branch: tokens at the end of the list that attend to their
own prefix, and to which nothing else attends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

SYSTEM_PROMPT = (
    "You answer questions in plain spoken English. Keep every answer to one or two short sentences."
)

# The marks, by their names in the vocabulary.
IDLE = "<|endoftext|>"
MARK_USER = "<|im_start|>"
MARK_ASSISTANT = "<|im_end|>"

# Loss weight of a decision, by phase. Decisions whose mistakes are audible weigh more.
DECISION_WEIGHTS = {
    "wait": 1.0, "break": 1.5, "pause": 1.5, "start": 2.0, "late-start": 2.0, "rest": 0.5, "continue": 0.7,
    # Answering here would be right; the dialogues are silent to show what is right in the next slice.
    "hold": 0.0,
    "backchannel": 2.5, "overheard": 2.0, "unclear": 2.0, "stop": 3.0, "ignore": 2.0, "resume": 2.0,
}
WORD_WEIGHT = 0.4
END_WEIGHT = 1.0

# The longest silence that is distinguished from longer ones, in slices.
LONGEST_SILENCE = 4


@dataclass
class Decision:
    """A place where the assistant speaks or is silent."""

    at: int  # index of the token after which the decision is read
    phase: str
    speaks: bool


@dataclass
class Example:
    """A dialogue as tokens. All lists but `targets` and `decisions` are of the same length."""

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    # How many tokens of the trunk a token attends to, in addition to the earlier tokens of its own branch.
    sees: list[int] = field(default_factory=list)
    # 0 is the trunk.
    branch: list[int] = field(default_factory=list)
    # (index of the token that predicts, token to be predicted, weight)
    targets: list[tuple[int, int, float]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


class Layout:
    """The layout for one vocabulary."""

    def __init__(self, tokenizer, weights: dict[str, float] | None = None):
        self._weights = DECISION_WEIGHTS | (weights or {})
        vocabulary = tokenizer.get_vocab()
        missing = [mark for mark in (IDLE, MARK_USER, MARK_ASSISTANT) if mark not in vocabulary]
        if missing:
            raise ValueError(f"the base model's vocabulary lacks {', '.join(missing)}")
        self.idle = vocabulary[IDLE]
        self.user = vocabulary[MARK_USER]
        self.assistant = vocabulary[MARK_ASSISTANT]
        # The same phrases, and the same slices of replies, occur many times.
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        self._known = lru_cache(maxsize=1 << 18)(encode)

    def words(self, text: str) -> list[int]:
        """Tokens of words inside a slice; control tokens in them are plain text."""
        return self.plain(" " + text)

    def plain(self, text: str) -> list[int]:
        return list(self._known(text))

    def turn(self, role: str, text: str) -> list[int]:
        """A complete turn, as in the base model's chat template."""
        return [self.user, *self.plain(f"{role}\n{text}"), self.assistant, *self.plain("\n")]

    def history(self, dialogue: dict) -> tuple[list[int], list[tuple[int, int, float]]]:
        """Complete turns, and targets in them, so that chatting in the plain layout is not unlearnt."""
        tokens, targets = self.turn("system", SYSTEM_PROMPT), []
        for turn in dialogue.get("history", []):
            tokens += self.turn("user", turn["user"])
            begin = len(tokens) + 1 + len(self.plain("assistant\n"))
            tokens += self.turn("assistant", turn["assistant"])
            end = len(tokens) - len(self.plain("\n"))
            targets += [(at - 1, tokens[at], WORD_WEIGHT) for at in range(begin, end)]
        return tokens, targets

    def chat(self, chat: dict) -> Example:
        """Plain turns, in which every token after the system prompt is a target."""
        tokens, _ = self.history(chat)
        length = len(tokens)
        begin = len(self.turn("system", SYSTEM_PROMPT))
        return Example(
            tokens=tokens,
            positions=list(range(length)),
            sees=list(range(1, length + 1)),
            branch=[0] * length,
            targets=[(at - 1, tokens[at], 1.0) for at in range(begin, length)],
        )

    def example(self, dialogue: dict) -> Example:
        trunk, targets = self.history(dialogue)
        decisions, branches = [], []
        idle_before = 0
        for part in dialogue["slices"]:
            user, assistant, phase = part.get("user"), part.get("assistant"), part["phase"]
            weight = self._weights[phase]
            silence = [self.idle] * min(1 + idle_before, LONGEST_SILENCE)
            if user is None and assistant is None:
                # After the longest silence, the next idle slice would be the same decision.
                if idle_before < LONGEST_SILENCE:
                    branches.append((len(trunk), phase, weight, silence))
                idle_before += 1
                continue
            idle_before = 0
            said = self.words(user) + [self.idle] * bool(part.get("falls_silent")) if user else silence
            trunk += [self.user, *said, self.assistant]
            decisions.append(Decision(len(trunk) - 1, phase, assistant is not None))
            if assistant is None:
                targets.append((len(trunk) - 1, self.idle, weight))
                trunk.append(self.idle)
                continue
            for place, token in enumerate(self.words(assistant)):
                targets.append((len(trunk) - 1, token, WORD_WEIGHT if place else weight))
                trunk.append(token)
            if part.get("ends"):
                targets.append((len(trunk) - 1, self.idle, END_WEIGHT))
                trunk.append(self.idle)
        length = len(trunk)
        example = Example(
            tokens=trunk,
            positions=list(range(length)),
            sees=list(range(1, length + 1)),
            branch=[0] * length,
            targets=targets,
            decisions=decisions,
        )
        for number, (prefix, phase, weight, silence) in enumerate(branches, 1):
            for place, token in enumerate([self.user, *silence, self.assistant]):
                example.tokens.append(token)
                example.positions.append(prefix + place)
                example.sees.append(prefix)
                example.branch.append(number)
            at = len(example.tokens) - 1
            example.targets.append((at, self.idle, weight))
            example.decisions.append(Decision(at, phase, False))
        return example
