"""Trains the duplex adapter: a LoRA with which a small chat model hears the user while it speaks.

`layout` turns a dialogue of `duplex-datasets` into tokens, `train` learns from them, `export` writes what was learnt as a GGUF
adapter for llama.cpp. `python -m duplex_lora --help` tells the rest.
"""
