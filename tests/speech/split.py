"""Splits the clips of this folder into dev and test, and checks the splits of field and handed.

usage: split.py        README.md states the rule. The column split of manifest.tsv is written anew.
"""

import hashlib
import re
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KNOWN = ["duplex-core/src/words/lists.rs", "datasets/texts.toml", "datasets/src/phrases.rs", "datasets/text/*"]
HELD_OUT_SPEAKERS = {"am_puck", "bf_emma"}  # of one or two words


def plain(text):
    """Lower case, without punctuation. What joins words, as in uh-huh, becomes a space."""
    return " ".join(re.sub(r"[^a-z0-9 ]", "", re.sub(r"[\s_/|-]", " ", text.lower())).split())


def known_texts():
    files = [file for pattern in KNOWN for file in sorted(ROOT.glob(pattern))]
    return [" " + plain(re.sub(r'["\\]', " ", file.read_text())) + " " for file in files]


def table(path):
    head, *lines = [line.split("\t") for line in path.read_text().splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def is_known(text, known):
    return any(f" {plain(text)} " in words for words in known)


def split(rows, known, taken):
    """The split of each clip. What is in `taken` stands in the dev part of another folder."""
    phrases = defaultdict(list)
    for row in rows:
        halves = row["category"] == "pause"
        phrases[row["category"], row["clip"][:-1] if halves else row["clip"]].append(row)
    splits, candidates, counts = {}, defaultdict(list), defaultdict(int)
    for (category, _), parts in phrases.items():
        whole = " ".join(part["text"] for part in parts)
        if len(plain(whole).split()) < 3:
            splits |= {part["clip"]: "test" if part["voice"] in HELD_OUT_SPEAKERS else "dev" for part in parts}
            continue
        counts[category] += 1
        digest = hashlib.sha256(plain(whole).encode()).hexdigest()
        texts = [whole, *(part["text"] for part in parts)]
        if not any(is_known(text, known) or plain(text) in taken for text in texts):
            candidates[category].append((digest, [part["clip"] for part in parts]))
    for category, found in candidates.items():
        for _, clips in sorted(found)[: round(counts[category] / 3)]:
            splits |= {clip: "test" for clip in clips}
    return {row["clip"]: splits.get(row["clip"], "dev") for row in rows}


def faults(tables, known):
    """Phrases of three words or more that stand in both splits, or are held out and known."""
    splits = defaultdict(set)
    for row in tables:
        if len(plain(row["text"]).split()) >= 3:
            splits[plain(row["text"])].add(row["split"])
    for phrase, where in splits.items():
        if len(where) > 1:
            yield f"in both splits: {phrase}"
        if "test" in where and is_known(phrase, known):
            yield f"held out, and in the word lists or datasets: {phrase}"


def main():
    known = known_texts()
    rows = table(HERE / "manifest.tsv")
    others = [row for name in ["field", "handed"] for row in table(HERE / name / "manifest.tsv")]
    splits = split(rows, known, {plain(row["text"]) for row in others if row["split"] == "dev"})
    columns = ["clip", "category", "voice", "seconds", "split", "text"]
    rows = [row | {"split": splits[row["clip"]]} for row in rows]
    lines = [columns, *([row[column] for column in columns] for row in rows)]
    (HERE / "manifest.tsv").write_text("\n".join(map("\t".join, lines)) + "\n")
    found = list(faults(rows + others, known))
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
