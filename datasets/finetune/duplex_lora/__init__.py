"""Trains the duplex adapter: a LoRA with which a small chat model decides, slice by slice, who speaks.

`layout` turns a dialogue of `duplex-datasets` into tokens, `train` trains on them, `export` writes the result as a GGUF
adapter for llama.cpp. See `python -m duplex_lora --help`.
"""
