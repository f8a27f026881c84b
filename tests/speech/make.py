"""Makes the clips of a folder from its manifest.tsv and its making-*.toml.

usage: make.py FOLDER [CLIP...]        all clips, or those named; a name that ends in - stands for a kind

It needs numpy, scipy, soundfile and onnxruntime, the programs espeak-ng and flite, and of Kokoro-82M

    KOKORO_MODEL   the model, an ONNX file with the inputs tokens, style and speed
    KOKORO_VOCAB   vocab.json
    KOKORO_VOICES  a folder of NAME.bin

README.md says what the columns and keys mean. The column seconds is brought up to date.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from scipy import signal

RATE = 16000
KOKORO_RATE = 24000
MARGIN = RATE * 20 // 1000  # silence kept on either side of the speech
LEVEL = 0.1  # rms of the speech: -20 dBFS
PEAK = 0.98
BITS = 14  # of the sixteen: what is below -89 dBFS would be half of a file
COARSE_BITS = 12  # of the clips named under [coarse]: the noise of rounding is at -77 dBFS
AFTER_MS = 8000  # how long a television goes on after the caller's words

# What espeak-ng writes (with ^ inside diphthongs), and what Kokoro calls it. Longer ones come first.
SOUNDS = {
    "ʔˌn̩": "tᵊn", "ʔn": "tᵊn", "a^ɪ": "I", "a^ʊ": "W", "d^ʒ": "ʤ", "e^ɪ": "A", "t^ʃ": "ʧ", "ɔ^ɪ": "Y", "ə^l": "ᵊl",
    "n̩": "ᵊn", "l̩": "ᵊl", "ɚ": "əɹ", "ɐ": "ə", "r": "ɹ", "ɬ": "l", "ʔ": "t", "x": "k", "ç": "k", "ʲ": "",
}
BRITISH = {"e^ə": "ɛː", "iə": "ɪə", "ə^ʊ": "Q"}
AMERICAN = {"o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ɾ": "T", "ː": ""}


def phonemes(text, british):
    table = {**(BRITISH if british else AMERICAN), **SOUNDS}
    order = sorted(table, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, order)))
    spoken = []
    for clause, mark in re.findall(r"([^.,;:?!…—]+)([.,;:?!…—]*)", text):
        if not clause.strip():
            continue
        command = ["espeak-ng", "-q", "--ipa", "--tie=^", "-v", "en-gb" if british else "en-us", clause.strip()]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        said = pattern.sub(lambda found: table[found[0]], " ".join(said.split()))
        spoken.append(said.replace("e", "A").replace("o", "ɔ").replace("^", "") + mark[:1])
    return " ".join(spoken)


@cache
def kokoro_model():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(os.environ["KOKORO_MODEL"], options, providers=["CPUExecutionProvider"])
    return session, json.loads(Path(os.environ["KOKORO_VOCAB"]).read_text())["vocab"]


def kokoro(text, voice):
    session, vocab = kokoro_model()
    said = text[1:-1] if text.startswith("/") else phonemes(text, voice.startswith("b"))
    ids = [vocab[sound] for sound in said if sound in vocab]
    styles = np.fromfile(Path(os.environ["KOKORO_VOICES"], f"{voice}.bin"), np.float32).reshape(-1, 1, 256)
    inputs = {
        "tokens": np.array([[0, *ids, 0]], np.int64),
        "style": styles[min(len(ids), len(styles) - 1)],
        "speed": np.ones(1, np.float32),
    }
    return session.run(None, inputs)[0].ravel().astype(float), KOKORO_RATE


def flite(text, voice):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True)
        return soundfile.read(file.name)


def trimmed(samples):
    """The speech with the margin on either side: from the first to the last 10 ms within 40 dB of the loudest."""
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(level > level.max() * 0.01)
    padded = np.pad(samples, MARGIN)
    return padded[loud[0] * frame : (loud[-1] + 1) * frame + 2 * MARGIN]


def levelled(samples, level=LEVEL):
    """At this rms where there is speech, so that silence between words counts for nothing."""
    frame = RATE // 50
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = (frames**2).mean(axis=1)
    return samples * level / np.sqrt(power[power > power.max() * 1e-4].mean())


@cache
def said(text, voice):
    samples, rate = flite(text, voice.removeprefix("flite-")) if voice.startswith("flite-") else kokoro(text, voice)
    if rate != RATE:
        samples = signal.resample_poly(samples, RATE, rate)
    return levelled(trimmed(samples))


def low_passed(samples, hz, order):
    return signal.sosfilt(signal.butter(order, hz, fs=RATE, output="sos"), samples)


def in_a_room(samples, name):
    """Through a loudspeaker or across a table: a small living room, and nothing above 5 kHz."""
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(RATE * 35 // 100)
    tail = noise * 10 ** (-3 * np.arange(len(noise)) / len(noise))
    tail[: RATE // 200] = 0
    impulse = 0.5 * tail / np.sqrt((tail**2).sum())
    impulse[0] = 1
    return low_passed(signal.fftconvolve(samples, impulse), 5000, 4)


def joined(parts, gaps_ms):
    pieces = [parts[0]]
    for part, gap in zip(parts[1:], gaps_ms, strict=True):
        pieces += [np.zeros(max(0, gap * RATE // 1000 - 2 * MARGIN)), part]
    return np.concatenate(pieces)


def clip(row, making):
    how = making.get(row["clip"], {})
    parts = how.get("parts", [how.get("say", row["text"])])
    voices = how.get("voices", [row["voice"]] * len(parts))
    samples = joined([said(*part) for part in zip(parts, voices, strict=True)], how.get("gaps_ms", []))
    if how.get("room"):
        samples = in_a_room(samples, row["clip"])
    if "low_pass_hz" in how:
        samples = low_passed(samples, how["low_pass_hz"], 1)
    samples = levelled(samples)
    if "news" in how:
        before = how["before_ms"] * RATE // 1000
        samples = np.pad(samples, (before, AFTER_MS * RATE // 1000))
        news = making["news"][how["news"]]
        talk = levelled(in_a_room(said(news["text"], news["voice"]), how["news"]))
        from_ms = how.get("from_ms", 0) * RATE // 1000
        talk = np.roll(talk, -from_ms)[: len(samples)]
        samples = samples + 10 ** (how["news_db"] / 20) * np.resize(talk, len(samples))
    return samples * min(1, PEAK / np.abs(samples).max())


def bits(name, firsts):
    """`firsts`: of each kind, the first clip that is coarse."""
    kind = name.rstrip("0123456789")
    return COARSE_BITS if any(f.rstrip("0123456789") == kind and f <= name for f in firsts) else BITS


def main(folder, *names):
    folder = Path(folder)
    manifest = folder / "manifest.tsv"
    head, *lines = [line.split("\t") for line in manifest.read_text().splitlines()]
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    making = {"news": {}}
    coarse = []
    for file in sorted(folder.glob("making-*.toml")):
        more = tomllib.loads(file.read_text())
        making["news"] |= more.pop("news", {})
        coarse += more.pop("coarse", {}).get("from", [])
        making |= more
    chosen = lambda row: any(row["clip"] == n or (n.endswith("-") and row["clip"].startswith(n)) for n in names)
    for row in rows:
        if names and not chosen(row) or making.get(row["clip"], {}).get("copied"):
            continue
        samples = clip(row, making)
        path = folder / f"{row['clip']}.flac"
        kept = bits(row["clip"], coarse)
        samples = (np.round(samples * 2 ** (kept - 1)) * 2 ** (16 - kept)).astype(np.int16)
        soundfile.write(path, samples, RATE, subtype="PCM_16", compression_level=1.0)
        row["seconds"] = f"{len(samples) / RATE:.3f}"
        print(row["clip"], row["voice"], row["seconds"], flush=True)
    manifest.write_text("\n".join("\t".join(line) for line in [head, *(row.values() for row in rows)]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
