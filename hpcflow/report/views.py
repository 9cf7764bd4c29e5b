"""Which view shows which kernel; any other kernel gets the general one."""

from __future__ import annotations

from collections.abc import Callable

from hpcflow.report import bearing, condition, events, generic, sport
from hpcflow.report.parts import Note, Section
from hpcflow.report.source import Source, Step

View = Callable[[Source, Step], Section | None]
"""A section of the page, or None where another view already shows what the step holds."""

VIEWS: dict[str, View] = {
    "bearing_faults": bearing.diagnoses,
    "session_summary": sport.sessions,
    "mean_max": sport.power_curve,
    "condition_indicators": condition.indicators,
    "envelope_spectrum": bearing.envelopes,
    "clean_activity": sport.clean_channels,
    "best_efforts": sport.best_efforts,
    "totals": sport.totals,
}
"""By kernel name, in the order of the page."""


def view(kernel: str, pattern: str) -> View:
    """The view for a kernel: its own, or one that fits any kernel of its pattern."""
    return VIEWS.get(kernel, events.found if pattern == "events" else generic.anything)


def sections(source: Source) -> list[Section]:
    """A section for every computed step that wants one: known kernels first, others as in the workflow."""
    place = {kernel: index for index, kernel in enumerate(VIEWS)}
    ordered = sorted(source.steps, key=lambda step: place.get(step.plan.kernel, len(place)))
    found = []
    for step in ordered:
        try:
            section = view(step.plan.kernel, step.plan.pattern)(source, step)
        except Exception as error:  # a picture must never cost a finished run its report
            section = _unshown(step, error)
        if section is not None:
            found.append(section)
    return found


def _unshown(step: Step, error: Exception) -> Section:
    text = (
        f"This step cannot be shown ({type(error).__name__}: {error}). Its results are whole, in "
        f"results/{step.name}.zarr."
    )
    return Section(f"step-{step.name}", step.name, (Note(text, tone="warn"),))
