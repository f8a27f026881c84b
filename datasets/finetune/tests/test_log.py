"""The log of a resumed training run."""

import json
import tempfile
import unittest
from pathlib import Path

from duplex_lora.train import open_log


class LogTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "log.jsonl"
        self.path.write_text("".join(json.dumps({"step": step}) + "\n" for step in (1, 2, 3)), encoding="utf-8")

    def steps(self, from_step):
        with open_log(self.path, from_step) as log:
            log.write(json.dumps({"step": from_step + 1}) + "\n")
        return [json.loads(line)["step"] for line in self.path.read_text(encoding="utf-8").splitlines()]

    def test_steps_behind_the_checkpoint_stand_in_it_once(self):
        self.assertEqual(self.steps(2), [1, 2, 3])

    def test_a_training_that_begins_anew_has_a_log_of_its_own(self):
        self.assertEqual(self.steps(0), [1])


if __name__ == "__main__":
    unittest.main()
