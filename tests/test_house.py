"""The shape of the repository: who may import whom, and what the public code promises."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "tutorial").rglob("*.py"), *(ROOT / "apps").rglob("*.py")])

# Arrows point one way: a package may import those of lower rank, and its own.
RANK = {
    "tutorial.data": 0,
    "tutorial.networks": 1,
    "tutorial.weights": 2,
    "tutorial.measurements": 2,
    "tutorial.figures": 2,
    "tutorial.metrics": 3,
    "tutorial.diffusion": 4,
    "tutorial.families": 5,
    "tutorial.two_kinds": 5,
    "tutorial.exchange": 5,
    "tutorial.gans": 6,
    "tutorial.contest": 7,
    "tutorial.training": 8,
    "tutorial.chapters": 8,
    "apps": 9,
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def package(name: str) -> str | None:
    fits = [known for known in RANK if name == known or name.startswith(known + ".")]
    return max(fits, key=len, default=None)


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_point_one_way(path):
    own = package(module_of(path))
    for name in imports(path):
        other = package(name)
        if own is not None and other is not None and own != other:
            assert RANK[other] < RANK[own], f"{own} imports {other}"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_gradio_stays_in_apps_and_matplotlib_in_figures(path):
    tops = {name.split(".")[0] for name in imports(path)}
    if path.is_relative_to(ROOT / "tutorial"):
        assert "gradio" not in tops
    if not path.is_relative_to(ROOT / "tutorial" / "figures"):
        assert "matplotlib" not in tops
    if not path.is_relative_to(ROOT / "tutorial" / "training"):
        assert not tops & {"accelerate", "tqdm", "diffusers", "transformers", "scipy"}
    if not path.is_relative_to(ROOT / "tutorial" / "two_kinds"):
        assert "sklearn" not in tops


def test_the_app_needs_nothing_that_only_tests_and_training_need():
    """`make run` installs requirements.txt alone."""
    missing = ["accelerate", "diffusers", "transformers", "normflows", "pytest", "playwright"]
    code = f"import sys; sys.modules.update(dict.fromkeys({missing})); import apps.shell"
    tried = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr


def test_no_file_beside_the_script_has_the_name_of_one_of_pythons_own():
    """`python apps/__main__.py`, as a Space runs it, looks in apps/ first: numbers.py there hides Python's own."""
    assert not {path.stem for path in (ROOT / "apps").iterdir()} & set(sys.stdlib_module_names)


def test_tabs_do_not_import_each_other():
    folder = ROOT / "apps" / "tabs"
    chapters = {path.relative_to(folder).parts[0].removesuffix(".py") for path in folder.rglob("*.py")}
    for path in folder.rglob("*.py"):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        others = {f"apps.tabs.{chapter}" for chapter in chapters - {own}}
        assert not {".".join(name.split(".")[:3]) for name in imports(path)} & others


def test_every_weight_file_is_small_and_has_a_card_with_its_command():
    files = list((ROOT / "assets" / "weights").glob("*.safetensors"))
    assert files
    for path in files:
        assert path.stat().st_size < 10_000_000
        assert "tutorial.training." in json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["command"]
    assert sum(path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()) < 80_000_000
