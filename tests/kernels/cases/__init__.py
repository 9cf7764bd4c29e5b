"""Parameters to try every map and window kernel with, one module per family, each with a dict `CASES`."""

from __future__ import annotations

import importlib
import pkgutil

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {}
for _found in pkgutil.iter_modules(__path__):
    if _found.name != "case":
        CASES.update(importlib.import_module(f"{__name__}.{_found.name}").CASES)
