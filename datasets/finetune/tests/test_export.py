"""The order of rows in an adapter."""

import unittest

try:
    import numpy as np
except ImportError:
    np = None

from duplex_lora.export import permuted


def rotated_by_halves(vector, angles):
    """Rotary embedding of a head, as in transformers."""
    half = len(vector) // 2
    a, b = vector[:half], vector[half:]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)])


def rotated_by_neighbours(vector, angles):
    """Rotary embedding of a head, as in llama.cpp."""
    a, b = vector[0::2], vector[1::2]
    turned = np.empty_like(vector)
    turned[0::2] = a * np.cos(angles) - b * np.sin(angles)
    turned[1::2] = b * np.cos(angles) + a * np.sin(angles)
    return turned


@unittest.skipIf(np is None, "numpy is not installed")
class PermutationTest(unittest.TestCase):
    def test_a_score_is_the_same_in_both_orders_only_with_the_permutation(self):
        heads, size = 2, 8
        draw = np.random.default_rng(0).normal
        queries, keys = draw(size=(heads * size, 1)), draw(size=(heads * size, 1))
        early, late = draw(size=size // 2), draw(size=size // 2)

        def scores(rotate, order):
            q, k = order(queries).reshape(heads, size), order(keys).reshape(heads, size)
            return [rotate(q[head], late) @ rotate(k[head], early) for head in range(heads)]

        trained = scores(rotated_by_halves, lambda rows: rows)
        np.testing.assert_allclose(scores(rotated_by_neighbours, lambda rows: permuted(rows, heads)), trained)
        self.assertFalse(np.allclose(scores(rotated_by_neighbours, lambda rows: rows), trained))


if __name__ == "__main__":
    unittest.main()
