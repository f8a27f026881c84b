"""Serves a GGUF file as an OpenAI-compatible endpoint; scripts/serve-llm says how."""

import argparse
import signal

import xllamacpp


def main() -> None:
    options = argparse.ArgumentParser(prog="serve-llm")
    options.add_argument("gguf", help="the model")
    options.add_argument("--port", type=int, default=0, help="0: one that is free")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--context", type=int, default=2048, help="in tokens")
    chosen = options.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = chosen.gguf
    params.model_alias = {"default"}
    params.n_ctx = chosen.context
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = chosen.threads
    params.cpuparams_batch.n_threads = chosen.threads
    params.hostnames = ["127.0.0.1"]
    params.port = chosen.port
    params.verbosity = -1
    params.ui = False
    # The server lives as long as this object.
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


# Its threads would receive these signals, and end the process in the middle of a reply.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
main()
