"""The house: imports run one way, from the ground up, as the table of rooms in the README says."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "micrograd_bp"
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.parent != PACKAGE or "__" not in path.stem
}
# A notebook asks a Value for its LaTeX, and the compiled engine is made beside its specification.
ALLOWED = {("engine", "text.latex")}


def rooms() -> list[list[str]]:
    """The rooms of each floor, from the ground up."""
    table = (ROOT / "README.md").read_text().split("| rooms | the idea |")[1].split("\n\n")[0]
    return [re.findall(r"`(\w+)(?:\.py|/)`", row.split("|")[1]) for row in table.splitlines()[2:]]


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def walk(node: ast.AST) -> Iterator[ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom):
            yield child
        elif not is_for_types_only(child):
            yield from walk(child)


def imports(name: str) -> set[str]:
    """The files of the package that a file imports, as it is loaded or later."""
    path = FILES[name]
    package = path.relative_to(PACKAGE).parent.parts
    found = set()
    for node in walk(ast.parse(path.read_text())):
        if node.level:
            base = [*package[: len(package) + 1 - node.level], *(node.module or "").split(".")]
            source = ".".join(part for part in base if part)
            names = {f"{source}.{alias.name}".lstrip(".") for alias in node.names}
            found |= (names & FILES.keys()) or {source}
    return found & FILES.keys()


def test_every_file_has_a_room_in_the_table() -> None:
    named = {name for row in rooms() for name in row}
    assert named == {name.partition(".")[0] for name in FILES}


def test_imports_run_one_way_as_the_table_of_rooms_says() -> None:
    floor = {name: i for i, row in enumerate(rooms()) for name in row}
    upwards = {
        (name, source)
        for name in FILES
        for source in imports(name)
        if floor[source.partition(".")[0]] > floor[name.partition(".")[0]]
    }
    assert upwards == ALLOWED


def test_files_import_each_other_in_no_circle() -> None:
    graph = {name: {x for x in imports(name) if (name, x) not in ALLOWED} for name in FILES}
    TopologicalSorter(graph).prepare()
