"""The compiled part of the `cel` package alone.

The package's own `__init__` also loads its command line program, with it `rich` and `prompt_toolkit`: a third of a second of a
processor and their memory in every process that reads a policy. Nothing of those is used here.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType


def _compiled() -> ModuleType:
    """Raises ImportError where the package is missing or laid out otherwise."""
    # It can be loaded once only, so it stands under its own name: whoever imports the package finds this one.
    if "cel.cel" in sys.modules:
        return sys.modules["cel.cel"]
    package = find_spec("cel")
    found = PathFinder.find_spec("cel.cel", package.submodule_search_locations) if package else None
    if found is None or found.loader is None:
        raise ImportError("The compiled part of the package common-expression-language is missing: run `make setup`.")
    module = sys.modules["cel.cel"] = module_from_spec(found)
    found.loader.exec_module(module)
    return module


cel = _compiled()
