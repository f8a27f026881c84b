"""One matrix in place of three: the same function, and the divergence of chat from the base model.

Needs torch, transformers and peft; no weights.
"""

import importlib.util
import unittest

HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers", "peft"))


def small_model():
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    from duplex_lora.train import PROJECTIONS

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=50, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1
    )
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=PROJECTIONS, task_type="CAUSAL_LM")
    model = get_peft_model(LlamaForCausalLM(config), lora).eval()
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model


@unittest.skipUnless(HAS_TORCH, "torch, transformers or peft is not installed")
class MergeTest(unittest.TestCase):
    def test_one_matrix_is_the_same_function_with_the_same_gradients(self):
        import torch

        from duplex_lora.train import merge

        tokens = torch.arange(20).reshape(2, 10)

        def run(model):
            logits = model(input_ids=tokens).logits
            logits.logsumexp(-1).sum().backward()
            return logits.detach(), {name: p.grad for name, p in model.named_parameters() if p.requires_grad}

        (before, slow), merged = run(small_model()), small_model()
        merge(merged, half=False)
        after, fast = run(merged)
        self.assertTrue(torch.allclose(before, after, atol=1e-5))
        self.assertEqual(slow.keys(), fast.keys())
        for name, gradient in slow.items():
            self.assertTrue(torch.allclose(gradient, fast[name], atol=1e-4), name)

    def test_without_the_adapter_it_is_the_base_model(self):
        import torch

        from duplex_lora.train import merge

        tokens = torch.arange(10)[None]
        model = small_model()
        with torch.no_grad(), model.disable_adapter():
            base = model(input_ids=tokens).logits
        merge(model, half=False)
        with torch.no_grad():
            adapted = model(input_ids=tokens).logits
            with model.disable_adapter():
                without = model(input_ids=tokens).logits
        self.assertTrue(torch.allclose(base, without))
        self.assertFalse(torch.allclose(base, adapted, atol=1e-3))

    def test_chat_is_apart_from_the_base_model_by_nothing_where_nothing_was_learnt(self):
        import torch

        from duplex_lora.layout import Example
        from duplex_lora.train import divergence, merge

        model = small_model()
        merge(model, half=False)
        chat = Example(
            tokens=list(range(8)), positions=list(range(8)), sees=list(range(1, 9)), branch=[0] * 8,
            targets=[(at - 1, at, 1.0) for at in range(2, 8)],
        )
        self.assertGreater(divergence(model, [chat], "cpu").item(), 1e-4)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.zeros_(weight)
        self.assertAlmostEqual(divergence(model, [chat], "cpu").item(), 0.0, places=5)


if __name__ == "__main__":
    unittest.main()
