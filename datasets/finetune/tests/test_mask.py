"""With the attention mask, branches give the same results as separate lists.

Needs torch and transformers; no weights.
"""

import unittest

try:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError:
    torch = None

from duplex_lora.layout import Layout
from duplex_lora.train import logits
from test_layout import END, PAUSE, START, WAIT, Words, dialogue


@unittest.skipIf(torch is None, "torch or transformers is not installed")
class MaskTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.layout = Layout(Words())
        config = LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
        )
        self.model = LlamaForCausalLM(config).eval()

    def test_a_decision_in_a_branch_is_that_of_its_prefix_alone(self):
        example = self.layout.example(dialogue(WAIT, PAUSE, START, END))
        short = self.layout.example(dialogue(WAIT))
        with torch.no_grad():
            found, _, _ = logits(self.model, [example, short], "cpu")
            layout = self.layout
            plain = torch.tensor([short.tokens + [layout.user, layout.idle, layout.assistant]])
            expected = self.model(plain).logits[0, -1]
        # The branch's target is the example's last.
        torch.testing.assert_close(found[len(example.targets) - 1], expected, atol=1e-4, rtol=1e-4)

    def test_the_trunk_does_not_see_the_branches(self):
        with torch.no_grad():
            with_pause, _, _ = logits(self.model, [self.layout.example(dialogue(WAIT, PAUSE, START, END))], "cpu")
            without, _, _ = logits(self.model, [self.layout.example(dialogue(WAIT, START, END))], "cpu")
        torch.testing.assert_close(with_pause[: len(without)], without, atol=1e-4, rtol=1e-4)


if __name__ == "__main__":
    unittest.main()
