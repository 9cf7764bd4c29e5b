"""Every check of a workflow that needs neither data nor a cluster, and the one that follows the scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hpcflow.errors import Problem, RequestError
from hpcflow.words import nearest, suggest
from hpcflow.workflow import check_graph
from hpcflow.workflow.check_datasets import check_dataset, check_run
from hpcflow.workflow.check_names import check_names
from hpcflow.workflow.check_params import check_params
from hpcflow.workflow.check_shape import Findings, shown
from hpcflow.workflow.load_yaml import Node, join, plain
from hpcflow.workflow.model import DatasetSpec, Place, Ref, RunSpec, StepSpec, WorkflowSpec, place_of
from hpcflow_kernels import Contract, registry
from hpcflow_kernels.ports import port_of

_NOTHING = Node({}, Place(0, 0))


@dataclass(frozen=True)
class Checked:
    """The parts of a workflow; whole only if no problem was found."""

    datasets: tuple[DatasetSpec, ...]
    steps: tuple[StepSpec, ...]
    save: tuple[Ref, ...]
    run: RunSpec


def kernels() -> Mapping[str, Contract]:
    """Contracts by name.

    Raises
    ------
    RequestError
        If a package of kernels cannot be loaded: nothing can be checked then.
    """
    try:
        return registry.contracts()
    except Exception as error:
        raise RequestError(
            f"the kernels cannot be listed ({type(error).__name__}: {error}); a package that adds kernels is "
            "damaged or clashes with another: repair or uninstall it"
        ) from error


def check(root: Node, readers: Collection[str] | None, found: Findings) -> Checked:
    """Check a document whose keys and types are right.

    Parameters
    ----------
    root : Node
        A mapping, as `check_shape` leaves it.
    readers : collection of str, optional
        Names of the readers; None leaves them unchecked.
    found : Findings
        Takes problems and warnings.
    """
    sections: Mapping[str, Node] = root.value
    check_names(sections, found)
    datasets = {
        name: check_dataset(name, one, readers, found) for name, one in _entries(sections, "datasets")
    }
    drafts = _drafts(sections, datasets, found)
    order = check_graph.check_cycles(drafts, found)
    for draft in drafts.values():
        check_graph.check_fields(draft, found)
    if order is not None:
        check_graph.check_joins(order, drafts, check_graph.declared_units(list(datasets.values())), found)
    check_graph.check_defaults(datasets, drafts, found)
    save = _save(sections.get("save"), datasets, drafts, found)
    _idle(datasets, drafts, save, order or [], found)
    given = {
        name: plain(one.value["with"]) if "with" in one.value else {}
        for name, one in _entries(sections, "steps")
    }
    steps = tuple(
        StepSpec(name, one.contract.name, one.inputs, one.params or {}, given[name])
        for name, one in ((name, drafts[name]) for name in order or ())
        if one.contract is not None
    )
    return Checked(tuple(datasets.values()), steps, save, check_run(sections.get("run"), found))


def _entries(sections: Mapping[str, Node], name: str) -> list[tuple[str, Node]]:
    node = sections.get(name)
    return list(node.value.items()) if node is not None else []


def _drafts(
    sections: Mapping[str, Node], datasets: Mapping[str, DatasetSpec], found: Findings
) -> dict[str, check_graph.Draft]:
    known = kernels()
    entries = dict(_entries(sections, "steps"))
    drafts: dict[str, check_graph.Draft] = {}
    for name, node in entries.items():
        path = join("steps", name)
        contract = _kernel(node.value.get("kernel"), known, join(path, "kernel"), found)
        draft = drafts[name] = check_graph.Draft(name, contract)
        if contract is not None:
            draft.params = check_params(contract, node.value.get("with"), join(path, "with"), found)
        given: Any = plain(node.value["input"]) if "input" in node.value else {}
        if "input" in node.value:
            ports = given if isinstance(given, dict) else {"": given}
            named = (list(datasets), list(entries))
            check_graph.check_inputs(draft, ports, join(path, "input"), named, found)
    return drafts


def _kernel(node: Node | None, known: Mapping[str, Contract], path: str, found: Findings) -> Contract | None:
    if node is None:
        return None
    if node.value not in known:
        listed = ", ".join(sorted(known)[:12])
        remedy = suggest(node.value, known, f"`hpcflow kernels` lists them: {listed}")
        found.add(path, "no kernel has this name", shown(node.value), remedy)
        return None
    return known[node.value]


def _save(
    node: Node | None,
    datasets: Mapping[str, DatasetSpec],
    drafts: Mapping[str, check_graph.Draft],
    found: Findings,
) -> tuple[Ref, ...]:
    saved: list[Ref] = []
    for index, text in enumerate(plain(node) if node is not None else ()):
        if text is None:
            continue
        path = join("save", index)
        ref = check_graph.read_reference(text, path, list(datasets), list(drafts), found)
        if ref is None:
            continue
        fields = None if ref.dataset else drafts[ref.source].fields
        names = [one.name for one in fields or ()]
        if ref.dataset:
            found.add(path, "save names steps; a dataset is stored already", shown(text), "delete it")
        elif ref in saved:
            found.add(path, "save names a step once", shown(text), "delete the entry")
        elif fields is not None and ref.field is not None and ref.field not in names:
            listed = f"it gives {', '.join(names)}"
            remedy = suggest(ref.field, names, listed, f"{ref.source}.")
            found.add(path, f"step {ref.source} has no such output", shown(text), remedy)
        else:
            saved.append(ref)
    return tuple(saved)


def _idle(
    datasets: Mapping[str, DatasetSpec],
    drafts: Mapping[str, check_graph.Draft],
    save: tuple[Ref, ...],
    order: list[str],
    found: Findings,
) -> None:
    """Warn of steps and datasets that nothing saved depends on."""
    needed = {ref.source for ref in save}
    for name in reversed(order):
        if name in needed:
            needed |= {ref.source for ref in drafts[name].inputs.values()}
    for kind, names in (("step", list(drafts)), ("dataset", list(datasets))):
        for name in names:
            if name not in needed and order and save:
                rule = f"no saved step needs the {kind} {name}, so it is left out"
                found.warn(join(f"{kind}s", name), rule, "", "save what it leads to, or delete it")


def check_against(
    spec: WorkflowSpec,
    variables: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Problem, ...]:
    """Check a workflow against what its datasets turned out to hold.

    Parameters
    ----------
    spec : WorkflowSpec
        A loaded workflow.
    variables : mapping of str to mapping of str to str
        Dataset to variable to SI units; datasets that were not scanned are absent and left unchecked.
    facts : mapping of str to mapping of str to str, optional
        Dataset to fact to SI units, ``text`` for texts. A fact that no record has is allowed (its step then
        abstains), unless the name looks like a slip of a known one.

    Returns
    -------
    tuple of Problem
        Empty if everything that steps read is there and has the dimension that they ask for.
    """
    known_kernels = kernels()
    found = Findings(spec.file, spec.places)
    drafts: dict[str, check_graph.Draft] = {}
    for step in spec.steps:
        contract = known_kernels.get(step.kernel)
        paths = {key: place_of(step.name, key, spec.places) for key in step.inputs}
        draft = check_graph.Draft(step.name, contract, dict(step.inputs), paths, dict(step.params))
        check_graph.check_fields(draft, found)
        drafts[step.name] = draft
        kinds = {port.name: port.kind for port in contract.ports} if contract is not None else {}
        for key, ref in step.inputs.items():
            if ref.dataset and ref.source in variables:
                here = variables[ref.source]
                there = (facts or {}).get(ref.source, {})
                _exists(ref, here, there, kinds.get(port_of(key)) == "fact", paths[key], found)
    merged = {name: {**(facts or {}).get(name, {}), **units} for name, units in variables.items()}
    check_graph.check_joins([step.name for step in spec.steps], drafts, merged, found)
    return tuple(found.problems)


def _exists(
    ref: Ref,
    variables: Mapping[str, str],
    facts: Mapping[str, str],
    is_fact: bool,
    path: str,
    found: Findings,
) -> None:
    wanted, word = (facts, "fact") if is_fact else (variables, "variable")
    name = ref.field or ""
    if name in wanted:
        return
    if is_fact and not nearest(name, wanted):
        return
    listed = ", ".join(f"{ref.source}.{one}" for one in wanted) or "none"
    remedy = suggest(name, wanted, f"{word}s: {listed}", f"{ref.source}.")
    found.add(path, f"dataset {ref.source} has no {word} of this name", str(ref), remedy)
