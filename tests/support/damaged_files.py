"""Damaged files of every kind that is read: each is refused in words, or means what it says.

Bytes are changed, cut out, doubled and put in from elsewhere; of Programs also the fields, with a
checksum that is right. Labels of a page are made of what might end the place where they stand.

    python tests/support/damaged_files.py --count 100000 --seed 0
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from micrograd_bp import MLP, Program, Value, explore, scope
from micrograd_bp.book.csv_file import read_csv
from micrograd_bp.book.input_error import InputError
from micrograd_bp.book.weights_file import read_weights, save_weights

sys.path.append(str(Path(__file__).parents[1] / "program"))
from test_program_file import check, mutant, network_program, plain, some_program, write

TOKENS = [b"\0", b"\xff", b"nan", b"-1", b"1e999", b"[", b"}", b'"', b",", b"\n", b"\xef\xbb\xbf"]
MARKUP = ["</script>", "<!--", "-->", "<svg onload=x>", "]]>", "&lt;", "\\", '"', "'", "\u2028"]
MARKUP += [
    "\x00",
    "\x1b",
    "${x}",
    "$x",
    "</style>",
    "\ud800",
    "<script>",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three things changed."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        i, j = sorted(rng.randrange(len(content) + 1) for _ in range(2))
        how = rng.randrange(5)
        part = (
            bytes([rng.randrange(256)]),
            rng.choice(TOKENS),
            b"",
            content[i:j] * 2,
            content[:20],
        )[how]
        content = content[:i] + part + content[(j if how in (2, 3) else min(i + 1, len(content))) :]
    return content


class Kinds:
    """What is read: a method each, which reads a damaged file and looks at what came of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file"
        self.fields = [plain(some_program()), plain(network_program())]
        self.originals = {}
        self.model = MLP(2, [3, 1], hidden="tanh", seed=0)
        self.weights = [w.data for w in self.model.parameters()]
        for name, save in {
            "program": some_program().save,
            "safetensors": self.model.save,
            "weights": lambda path: save_weights(str(path), "tanh", [[[0.1, 1.0]], [[0.2, 3.0]]]),
        }.items():
            save(self.path)
            self.originals[name] = self.path.read_bytes()
        self.originals["csv"] = b'a,"b, c",y\n1,2.5,3\n4,-5e-3,6\n\n"7",8,9\n'

    def damage(self, name: str, rng: random.Random) -> Path:
        self.path.write_bytes(damaged(self.originals[name], rng))
        return self.path

    def fields_of_a_program(self, rng: random.Random) -> bool:
        write(self.path, mutant(rng.choice(self.fields), rng))
        return check(self.path, "a mutant")

    def bytes_of_a_program(self, rng: random.Random) -> bool:
        path = self.damage("program", rng)
        try:
            found = Program.load(path)
        except ValueError:
            return False
        assert plain(found) == self.fields[0]
        return True

    def safetensors(self, rng: random.Random) -> bool:
        path = self.damage("safetensors", rng)
        try:
            self.model.load(path)
        except ValueError:
            assert [w.data for w in self.model.parameters()] == self.weights
            return False
        for w, data in zip(self.model.parameters(), self.weights, strict=True):
            assert not np.isnan(w.data)
            w.data = data
        return True

    def json_weights(self, rng: random.Random) -> bool:
        path = self.damage("weights", rng)
        try:
            found = read_weights(str(path))
        except InputError:
            return False
        assert all(np.isfinite(row).all() for matrix in found.weights for row in matrix)
        return True

    def csv(self, rng: random.Random) -> bool:
        path = self.damage("csv", rng)
        try:
            found = read_csv(str(path), ["y"])
        except InputError:
            return False
        rows = [*found.inputs, *found.targets]
        assert len({len(row) for row in found.inputs}) == 1
        assert np.isfinite(np.concatenate(rows)).all()
        return True

    def labels_of_a_page(self, rng: random.Random) -> bool:
        def page(label: str, name: str) -> str:
            with scope(name):
                x = Value(1.0, label)
            return explore(x * x).html

        label, name = ("".join(rng.choices(MARKUP, k=rng.randint(1, 6))) for _ in range(2))
        html = page(label, name.replace("/", "|"))
        usual, found = (
            Counter(re.findall("</?(?!tspan)[a-zA-Z!][a-z]*", text))  # which indices are set in
            for text in (page("x", "s"), html)
        )
        assert not found - usual
        data = re.search(
            r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL
        )
        assert len(json.loads(data[1])["nodes"]) == 2
        return True


def run(count: int, seed: int = 0) -> dict[str, tuple[int, int]]:
    """Try as many files, the kinds in turn; of each kind how many were tried, and taken."""
    tally: dict[str, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        kinds = Kinds(Path(folder))
        every: list[Callable[[random.Random], bool]] = [
            *[kinds.fields_of_a_program, kinds.bytes_of_a_program, kinds.safetensors] * 3,
            *[kinds.json_weights, kinds.csv] * 3,
            kinds.labels_of_a_page,
        ]
        for number in range(seed, seed + count):
            kind = every[number % len(every)]
            try:
                taken = kind(random.Random(number))
            except BaseException:
                print(f"{kind.__name__}, --seed {number}")
                raise
            tried, before = tally.get(kind.__name__, (0, 0))
            tally[kind.__name__] = tried + 1, before + taken
    return tally


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    for name, (tried, taken) in run(options.count, options.seed).items():
        print(f"{name}: {tried} tried, {taken} taken")
    print(f"{time.monotonic() - started:.0f} s")
