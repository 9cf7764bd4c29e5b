"""How steps are joined: what each port reads, cycles named in full, and units that fit the ports."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpcflow.units import UnitError, compatible, convert, derive, dimension, parse_quantity
from hpcflow.words import suggest
from hpcflow.workflow.check_shape import Findings, shown
from hpcflow.workflow.load_yaml import join
from hpcflow.workflow.model import REFERENCE, DatasetSpec, FactSpec, Ref, VariableSpec
from hpcflow_kernels import Contract, Pattern
from hpcflow_kernels.contract import Field, Port
from hpcflow_kernels.ports import port_of


@dataclass
class Draft:
    """A step while it is checked; what could not be read is None or absent."""

    name: str
    contract: Contract | None
    inputs: dict[str, Ref] = field(default_factory=dict)
    """By port; ``signals[0]``, ``signals[1]`` … where a port takes several."""
    paths: dict[str, str] = field(default_factory=dict)
    """Input to the place of its reference."""
    params: dict[str, Any] | None = None
    fields: tuple[Field, ...] | None = None


def read_reference(
    text: str, path: str, datasets: Sequence[str], steps: Sequence[str], found: Findings
) -> Ref | None:
    """Look up ``step``, ``step.field`` or ``dataset.variable``; None where it names nothing."""
    if not re.fullmatch(REFERENCE, text):
        rule = "a reference is the name of a step, step.field or dataset.variable, in lower-case letters"
        found.add(path, rule, shown(text), "write it like machine.acceleration")
        return None
    source, _, name = text.partition(".")
    if source not in datasets and source not in steps:
        listed = f"datasets: {', '.join(datasets) or 'none'}; steps: {', '.join(steps) or 'none'}"
        remedy = suggest(source, [*steps, *datasets], listed)
        if not {"datasets", "steps", f"datasets.{source}", f"steps.{source}"} & found.cut:
            found.add(path, "a reference names a dataset or a step of this file", shown(text), remedy)
        return None
    return Ref(source, name or None, source in datasets)


def check_inputs(
    draft: Draft, given: Mapping[str, Any], path: str, named: tuple[Any, Any], found: Findings
) -> None:
    """Read the references of a step and check them against its ports.

    Parameters
    ----------
    draft : Draft
        Takes inputs and their places.
    given : mapping of str to str or list of str
        Port to text, or texts; the port ``""`` is the first.
    path : str
        ``steps.band.input``.
    named : (sequence of str, sequence of str)
        Names of datasets and of steps.
    found : Findings
        Takes the problems.
    """
    contract = draft.contract
    ports = {port.name: port for port in contract.ports} if contract is not None else {}
    for name, value in given.items():
        place = join(path, name) if name else path
        port = name or next(iter(ports), "")
        if contract is not None and port not in ports:
            listed = f"inputs of {contract.name}: {', '.join(ports) or 'none'}"
            remedy = suggest(port, ports, listed)
            found.add(place, f"kernel {contract.name} has no such input", shown(port), remedy)
            continue
        if contract is not None and not _count_fits(contract, ports[port], value, place, found):
            continue
        for key, text, where in _each(port, value, place):
            ref = read_reference(text, where, *named, found)
            if ref is not None and contract is not None:
                ref = _dataset_field(ref, ports[port], where, found)
            if ref is not None:
                draft.inputs[key] = ref
                draft.paths[key] = where
    first = next(iter(ports), "")
    for need in ports.values():
        if not need.optional and need.name not in given and not ("" in given and need.name == first):
            remedy = f"add {need.name}: to input ({need.doc})"
            if "" in given:
                remedy = f"write input as a mapping: {{{first}: {given['']}, {need.name}: …}}"
            rule = f"kernel {contract.name if contract else ''} needs the input {need.name}"
            found.missing(join(path, need.name), rule, "", remedy)
    places = {port: place for place, port in enumerate(ports)}
    draft.inputs = dict(
        sorted(draft.inputs.items(), key=lambda one: places.get(port_of(one[0]), len(places)))
    )


def _each(port: str, value: str | list[str | None], place: str) -> list[tuple[str, str, str]]:
    """Key, text and place of each input of a port."""
    if isinstance(value, str):
        return [(port, value, place)]
    return [(f"{port}[{i}]", text, join(place, i)) for i, text in enumerate(value) if text is not None]


def _count_fits(
    contract: Contract, port: Port, value: str | list[str | None], place: str, found: Findings
) -> bool:
    """Whether a port that takes one input has one, and one that takes a list enough of them, each once."""
    texts = [value] if isinstance(value, str) else value
    if not port.several:
        if isinstance(value, str):
            return True
        remedy = "name one, and make a step for each of the others"
        found.add(place, f"input {port.name} of {contract.name} takes one thing", shown(value), remedy)
        return False
    rule = f"input {port.name} of {contract.name} takes a list of {port.several} or more, each named once"
    if isinstance(value, str) or len(texts) < port.several:
        found.add(place, rule, shown(value), f"list them, like [{texts[0]}, …] ({port.doc})")
        return False
    twice = next((text for i, text in enumerate(texts) if text is not None and text in texts[:i]), None)
    if twice is not None:
        found.add(
            join(place, len(texts) - 1 - texts[::-1].index(twice)), rule, shown(twice), "delete the entry"
        )
    return twice is None


def _dataset_field(ref: Ref, port: Port, path: str, found: Findings) -> Ref | None:
    if not ref.dataset or ref.field is not None:
        return ref
    word = "fact" if port.kind == "fact" else "variable"
    found.add(path, f"an input from a dataset names a {word}", str(ref), f"write {ref}.<{word}>")
    return None


def check_cycles(drafts: Mapping[str, Draft], found: Findings) -> list[str] | None:
    """Put steps in an order in which each comes after what it reads.

    Returns
    -------
    list of str or None
        Names, in the file's order where free; None where steps read each other in a circle.
    """
    order: list[str] = []
    state: dict[str, int] = {}
    cyclic = False
    for root in drafts:
        stack = [(root, iter(_sources(drafts, root)))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                state[name] = 2
                order.append(name)
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(_sources(drafts, following))))
            elif state[following] == 1:
                cyclic = True
                names = [one for one, _ in stack]
                circle = [*names[names.index(following) :], following]
                way = " -> ".join(reversed(circle))
                place = next(
                    p
                    for port, p in drafts[name].paths.items()
                    if drafts[name].inputs[port].source == following
                )
                remedy = "let one of them read a dataset or an earlier step"
                found.add(place, "a step does not read what is made from its own output", way, remedy)
    return None if cyclic else order


def _sources(drafts: Mapping[str, Draft], name: str) -> list[str]:
    inputs = drafts[name].inputs.values() if name in drafts else ()
    return list(dict.fromkeys(ref.source for ref in inputs if not ref.dataset and ref.source in drafts))


def check_fields(draft: Draft, found: Findings) -> None:
    """Ask the kernel what comes out, once its parameters are known."""
    if draft.contract is None or draft.params is None:
        return
    try:
        named = {key: (ref.source, ref.field) for key, ref in draft.inputs.items()}
        draft.fields = tuple(draft.contract.fields(draft.contract.with_names(draft.params, named)))
    except Exception as error:  # a kernel may come from a package that was never tried with such values
        rule = f"kernel {draft.contract.name} cannot say what comes out with these parameters"
        found.add(f"steps.{draft.name}.with", rule, f"{type(error).__name__}: {error}"[:120], "change them")


def check_joins(
    order: Sequence[str],
    drafts: Mapping[str, Draft],
    variables: Mapping[str, Mapping[str, str]],
    found: Findings,
) -> None:
    """Check what feeds each port: kind, field and units, as far as they are known.

    Parameters
    ----------
    order : sequence of str
        Steps, each after what it reads.
    drafts : mapping of str to Draft
    variables : mapping of str to mapping of str to str
        SI units of variables and facts, per dataset, where known.
    found : Findings
        Takes the problems.
    """
    units: dict[str, dict[str, str | None]] = {}
    for name in order:
        draft = drafts[name]
        contract = draft.contract
        at_ports: dict[str, str] = {}
        leading = next(iter(draft.inputs), None)
        ports = {port.name: port for port in contract.ports} if contract is not None else {}
        for key, ref in draft.inputs.items():
            port = ports.get(port_of(key))
            if port is None:
                continue
            fits = ref.dataset or _kind_fits(draft, key, port, drafts[ref.source], found)
            known = _units_of(ref, units, variables) if fits else None
            if fits and known is not None:
                _dimension_fits(draft, key, port, known, found)
                at_ports[key] = known
        units[name] = {one.name: _derived(one.units, leading, at_ports) for one in draft.fields or ()}


def _derived(rule: str, leading: str | None, at_ports: Mapping[str, str]) -> str | None:
    """Units by a rule; None where those of an input that it names are not known."""
    first = at_ports.get(leading or "")
    if ("same" in rule and not first) or not all(port in at_ports for port in re.findall(r"\{(\w+)\}", rule)):
        return None
    return derive(rule, first or "1", at_ports)


def _units_of(
    ref: Ref, units: Mapping[str, Mapping[str, str | None]], variables: Mapping[str, Mapping[str, str]]
) -> str | None:
    if ref.dataset:
        return variables.get(ref.source, {}).get(ref.field or "")
    fields = units.get(ref.source, {})
    if ref.field is None:
        return next(iter(fields.values())) if len(fields) == 1 else None
    return fields.get(ref.field)


def _kind_fits(draft: Draft, key: str, port: Port, source: Draft, found: Findings) -> bool:
    """Whether a step's output is of the kind that a port takes."""
    path, ref = draft.paths[key], draft.inputs[key]
    if port.whole:
        rule = f"input {port.name} takes a variable of a dataset, all of whose records it reads"
        found.add(path, rule, f"{ref}, a step", "write it like machine.acceleration")
        return False
    if port.kind == "fact":
        rule = f"input {port.name} takes a fact of a dataset: one value per record"
        found.add(path, rule, f"{ref}, a step", "write it like machine.speed")
        return False
    if source.fields is None:
        return True
    names = [one.name for one in source.fields]
    if ref.field is not None and ref.field not in names:
        listed = ", ".join(f"{ref.source}.{one}" for one in names[:8])
        remedy = suggest(ref.field, names, f"it gives {listed}", f"{ref.source}.")
        found.add(path, f"step {ref.source} has no such output", str(ref), remedy)
        return False
    if port.kind != "signal":
        return True
    if ref.field is None and len(names) > 1:
        listed = ", ".join(f"{ref.source}.{one}" for one in names[:8])
        rule = f"input {port.name} takes one signal, and step {ref.source} has {len(names)} outputs"
        found.add(path, rule, str(ref), f"name one: {listed}")
        return False
    chosen = next(one for one in source.fields if ref.field in (None, one.name))
    if chosen.dims or (source.contract is not None and source.contract.pattern is Pattern.REDUCE):
        what = (
            f"has the dimensions {', '.join(dim.name for dim in chosen.dims)}"
            if chosen.dims
            else "is one result"
        )
        rule = f"input {port.name} takes a signal along time"
        found.add(
            path, rule, f"{ref}, which {what}", "read a dataset's variable or a step that gives a signal"
        )
        return False
    return True


def _dimension_fits(draft: Draft, key: str, port: Port, units: str, found: Findings) -> None:
    if port.dimension is None or compatible(units, port.dimension):
        return
    kernel = draft.contract.name if draft.contract is not None else ""
    wanted = "a text" if port.dimension == "text" else f"{port.dimension} ({dimension(port.dimension).si})"
    have = "a text" if units == "text" else f"in {units}"
    rule = f"input {port.name} of {kernel} takes {wanted}"
    value = f"{draft.inputs[key]}, {have}"
    found.add(draft.paths[key], rule, value, "read something else, or correct its units")


def declared_units(datasets: Sequence[DatasetSpec]) -> dict[str, dict[str, str]]:
    """SI units of variables and facts as far as the workflow itself states them."""
    known: dict[str, dict[str, str]] = {}
    for dataset in datasets:
        units = known.setdefault(dataset.name, {"sampling_rate": "s-1"})
        stated: list[tuple[str, VariableSpec | FactSpec]] = [
            *dataset.variables.items(),
            *dataset.facts.items(),
        ]
        for name, one in stated:
            if one.dimension == "text":
                units[name] = "text"
            elif one.units is not None:
                with contextlib.suppress(UnitError):
                    units[name] = convert(one.units, one.dimension)[2]
            elif one.dimension is not None:
                units[name] = dimension(one.dimension).si
    return known


def check_defaults(datasets: Mapping[str, DatasetSpec], drafts: Mapping[str, Draft], found: Findings) -> None:
    """Check default facts against the inputs that read them."""
    wanted: dict[tuple[str, str], str] = {
        (name, fact): "frequency"
        for name, one in datasets.items()
        for fact in one.defaults
        if fact == "sampling_rate"
    }
    for draft in drafts.values():
        for port in draft.contract.ports if draft.contract is not None else ():
            ref = draft.inputs.get(port.name)
            if ref is not None and ref.dataset and ref.field and port.dimension and port.kind == "fact":
                wanted.setdefault((ref.source, ref.field), port.dimension)
    for (source, fact), asked in wanted.items():
        one = datasets.get(source)
        if one is None or fact not in one.defaults or asked == "text":
            continue
        try:
            parse_quantity(one.defaults[fact], asked)
        except UnitError as error:
            path = join(f"datasets.{source}.defaults", fact)
            found.add(path, f"{fact} {error.rule}", error.value, error.remedy)
