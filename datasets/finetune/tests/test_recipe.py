"""When a run ends, and which weights it accepts. Needs no packages."""

import argparse
import time
import unittest

from duplex_lora.__main__ import weight
from duplex_lora.train import Recipe, done, rate_at


class RecipeTest(unittest.TestCase):
    def test_a_run_is_over_with_its_tokens_or_its_minutes(self):
        now = time.monotonic()
        self.assertAlmostEqual(done(Recipe(tokens=1000), 250, now - 3600), 0.25)
        self.assertGreaterEqual(done(Recipe(tokens=1000, minutes=2), 250, now - 120), 1)
        self.assertLess(done(Recipe(tokens=1000, minutes=2), 250, now - 60), 1)

    def test_the_rate_rises_and_falls(self):
        rates = [rate_at(share, step) for share, step in [(0, 0), (0.3, 500), (0.8, 900), (1, 999)]]
        self.assertLess(rates[0], rates[1])
        self.assertEqual(rates[1], 1.0)
        self.assertGreater(rates[1], rates[2])
        self.assertGreater(rates[2], rates[3])

    def test_weights_are_of_phases(self):
        self.assertEqual(weight("start=4"), ("start", 4.0))
        for wrong in ("begin=4", "start", "start=much"):
            with self.assertRaises((argparse.ArgumentTypeError, ValueError)):
                weight(wrong)


if __name__ == "__main__":
    unittest.main()
