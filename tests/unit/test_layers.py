"""The layers: each module of Parley stands in one, so that none is left out of what import-linter checks."""

import tomllib

import pytest

from servers import ROOT

MODULES = {
    f"parley.{path.stem}"
    for path in (ROOT / "parley").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"parley.__init__", "parley.__main__"}
CONTRACTS = {
    each["name"]: each
    for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
LAYERS = [layer.split(" | ") for layer in CONTRACTS["Layers: each imports only what is below it"]["layers"]]


def test_every_module_is_in_one_layer() -> None:
    """Those of the application, and the handlers beside them."""
    assert sorted(module for layer in LAYERS for module in layer) == sorted({*MODULES, "handlers"})


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_module_is_in_the_picture(module: str) -> None:
    """ARCHITECTURE.md tells what it is for."""
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Layers")[2].partition("\n## ")[0]
    assert f"`{module}`" in table


def test_all_that_is_no_edge_knows_nothing_generated() -> None:
    """The edges are those that the contract leaves out, and what starts them."""
    sources = CONTRACTS["Only edges know what is generated"]["source_modules"]
    assert MODULES - set(sources) == {
        *("parley.cli", "parley.server", "parley.app", "parley.contract", "parley.realtime"),
    }
