"""The layout of dialogues, with a word tokenizer that needs no model."""

import unittest

from duplex_lora.layout import IDLE, MARK_ASSISTANT, MARK_USER, Layout


class Words:
    """Every word is a token; the marks are the first three."""

    def __init__(self, marks=(IDLE, MARK_USER, MARK_ASSISTANT)):
        self._known = {mark: number for number, mark in enumerate(marks)}

    def get_vocab(self):
        return {text: number for text, number in self._known.items() if text.startswith("<|")}

    def encode(self, text, add_special_tokens, split_special_tokens):
        assert not add_special_tokens and split_special_tokens
        return [self._known.setdefault("word " + word, len(self._known)) for word in text.split()]


def dialogue(*slices):
    return {"id": "x", "category": "basic", "slice_ms": 500, "slices": list(slices)}


WAIT = {"user": "what is", "phase": "wait"}
START = {"user": "tea", "assistant": "tea is", "phase": "start"}
END = {"assistant": "a drink", "ends": True, "phase": "continue"}
PAUSE = {"phase": "pause"}


class LayoutTest(unittest.TestCase):
    def setUp(self):
        self.layout = Layout(Words())

    def slices_of(self, example, before):
        return example.tokens[len(self.layout.history({})[0]):][:before]

    def test_a_slice_is_marks_and_words(self):
        example = self.layout.example(dialogue(WAIT, START, END))
        i, u, a = self.layout.idle, self.layout.user, self.layout.assistant
        words = lambda text: self.layout.words(text)
        expected = [u, *words("what is"), a, i, u, *words("tea"), a, *words("tea is"), u, i, a, *words("a drink"), i]
        self.assertEqual(example.tokens[len(self.layout.history({})[0]):], expected)

    def test_a_decision_is_read_after_the_assistants_mark(self):
        example = self.layout.example(dialogue(WAIT, PAUSE, START, END))
        self.assertEqual(len(example.decisions), 4)
        for decision in example.decisions:
            self.assertEqual(example.tokens[decision.at], self.layout.assistant)
            target = {at: token for at, token, _ in example.targets}[decision.at]
            self.assertEqual(decision.speaks, target != self.layout.idle)

    def test_an_idle_slice_leaves_no_trace(self):
        without = self.layout.example(dialogue(WAIT, START, END))
        with_pause = self.layout.example(dialogue(WAIT, PAUSE, PAUSE, START, END))
        trunk = [t for t, branch in zip(with_pause.tokens, with_pause.branch) if branch == 0]
        self.assertEqual(trunk, without.tokens)

    def test_silence_leaves_its_length_in_the_question(self):
        i, u, a = self.layout.idle, self.layout.user, self.layout.assistant
        late = {"assistant": "tea is", "phase": "late-start"}
        example = self.layout.example(dialogue(WAIT, *[PAUSE] * 6, late))
        questions = [[t for t, b in zip(example.tokens, example.branch) if b == number] for number in range(1, 5)]
        self.assertEqual(questions, [[u, *[i] * length, a] for length in (1, 2, 3, 4)])
        # Longer silences are the same decision.
        self.assertEqual(max(example.branch), 4)
        trunk = [t for t, branch in zip(example.tokens, example.branch) if branch == 0]
        self.assertEqual(trunk[-8:], [u, i, i, i, i, a, *self.layout.words("tea is")])

    def test_words_before_a_silence_are_told_from_words_that_were_cut(self):
        i, u, a = self.layout.idle, self.layout.user, self.layout.assistant
        example = self.layout.example(dialogue({**WAIT, "falls_silent": True, "phase": "break"}, WAIT))
        cut = [u, *self.layout.words("what is"), a, i]
        self.assertEqual(self.slices_of(example, 11), [*cut[:-2], i, a, i, *cut])

    def test_decisions_weigh_what_the_recipe_says(self):
        weights = {at: weight for at, _, weight in Layout(Words(), {"wait": 7.0}).example(dialogue(WAIT)).targets}
        plain = {at: weight for at, _, weight in Layout(Words()).example(dialogue(WAIT)).targets}
        self.assertEqual(list(weights.values()), [7.0])
        self.assertEqual(weights.keys(), plain.keys())
        self.assertNotEqual(weights, plain)

    def test_a_branch_stands_where_its_slice_was_and_sees_only_what_was_before(self):
        example = self.layout.example(dialogue(WAIT, PAUSE, START, END))
        branch = [at for at, number in enumerate(example.branch) if number == 1]
        prefix = len(self.layout.example(dialogue(WAIT)).tokens)
        self.assertEqual([example.positions[at] for at in branch], [prefix, prefix + 1, prefix + 2])
        self.assertEqual([example.sees[at] for at in branch], [prefix] * 3)

    def test_every_word_of_the_assistant_is_learnt_and_none_of_the_user(self):
        example = self.layout.example(dialogue(WAIT, START, END))
        learnt = [token for _, token, _ in example.targets]
        i, words = self.layout.idle, self.layout.words
        self.assertEqual(learnt, [i, *words("tea is"), *words("a drink"), i])
        for at, token, _ in example.targets:
            self.assertEqual(example.tokens[at + 1] if at + 1 < len(example.tokens) else token, token)

    def test_a_vocabulary_without_marks_is_refused(self):
        with self.assertRaisesRegex(ValueError, "im_end"):
            Layout(Words((IDLE, MARK_USER)))


if __name__ == "__main__":
    unittest.main()
