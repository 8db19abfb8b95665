"""docs/design.md says what is there, and imports go the one way it says."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "design.md").read_text()
FLOORS = (
    "errors arguments columns plugins progress environment rewards",
    "config collect_settings filter_settings setting_fields records prompts markers labels limits",
    "store tables run workers parts engine rating variants jobs",
    "collect sample score",
    "training",
    "judge",
    "raters",
    "evaluate pocket",
    "selfjudge contests",
    "plan status status_text serve card",
    "study",
    "commands",
    "cli",
)
FLOOR = {module: number for number, modules in enumerate(FLOORS) for module in modules.split()}


def modules(folder: Path) -> set[str]:
    """Modules and packages of a folder, packages with a slash."""
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    return files | {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}


@pytest.mark.parametrize("folder", ["selfj/", "selfj/evaluate/", "selfj/selfjudge/", "selfj/serve/"])
def test_the_map_names_what_is_in_a_folder_and_nothing_else(folder: str) -> None:
    (table,) = re.findall(rf"^\| in `{folder}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    named = [name for row in table.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(modules(ROOT / folder))


def test_every_place_for_the_next_thing_is_there() -> None:
    named = re.findall(r"`((?:selfj|ray_jobs|benchmarks)/[\w./]*)`", PAGE)
    assert len(named) > 20 and [name for name in named if not (ROOT / name).exists()] == []


def test_a_module_imports_none_from_a_later_floor() -> None:
    upward = []
    for path in (ROOT / "selfj").rglob("*.py"):
        place = path.relative_to(ROOT / "selfj").parts[0].removesuffix(".py")
        for node in ast.parse(path.read_text()).body:
            parts = node.module.split(".") if isinstance(node, ast.ImportFrom) and node.module else []
            if parts[:1] == ["selfj"] and len(parts) > 1 and FLOOR[parts[1]] > FLOOR[place]:
                upward.append(f"{path.name} imports {node.module}")
    assert not upward
