"""The page: every section in its place, one file, no script, nothing from the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from hpcflow._version import __version__
from hpcflow.report import asked, provenance, timeline, views
from hpcflow.report.figure import spark
from hpcflow.report.parts import Note, Section
from hpcflow.report.source import Source
from hpcflow.report.text import clean, count, pieces


@dataclass(frozen=True)
class Page:
    """What the template needs.

    Attributes
    ----------
    headline
        The outcome in one sentence.
    alarm
        What is wrong with the run as a whole; "" where nothing is.
    results, details
        What came out; how.
    """

    title: str
    run: str
    headline: str
    alarm: str
    results: tuple[Section, ...]
    details: tuple[Section, ...]


def page_of(source: Source) -> Page:
    """Everything a run's page says."""
    shown = [*views.sections(source), provenance.aside(source)]
    results = tuple(s for s in shown if s is not None)
    if source.pending:
        names = ", ".join(source.pending)
        waiting = Section("pending", "Not computed yet", (Note(f"{names}: `hpcflow resume` goes on."),))
        results = (*results, waiting)
    makers: tuple[Callable[[Source], Section], ...] = (
        asked.asked,
        asked.decided,
        timeline.timeline,
        provenance.provenance,
        asked.outputs,
    )
    return Page(
        title=source.cut.name.replace("-", " ").replace("_", " ").capitalize(),
        run=source.folder.path.name,
        headline=headline(source, results),
        alarm=_alarm(source),
        results=results,
        details=tuple(make(source) for make in makers),
    )


def headline(source: Source, results: tuple[Section, ...]) -> str:
    """The outcome in one sentence."""
    clauses = [s.headline for s in results if s.headline] or [count(source.records, "recording")]
    if source.aside:
        clauses.append(f"{len(source.aside):,} set aside")
    if source.duplicates:
        clauses.append(f"{count(len(source.duplicates), 'copy', 'copies')} left out")
    return "; ".join(clauses) + "."


def _alarm(source: Source) -> str:
    counts = [source.ledger.counts(stage) for stage in source.ledger.stages]
    total, done, failed = (sum(getattr(c, name) for c in counts) for name in ("total", "done", "failed"))
    if failed:
        return (
            f"{count(failed, 'block')} of {total:,} failed: what is missing below is missing for that reason."
        )
    if done < total:
        return f"The run is not complete: {done:,} of {count(total, 'block')} are done."
    return ""


def render(source: Source) -> str:
    """The page as HTML."""
    import jinja2
    from markupsafe import Markup

    def breakable(text: str) -> Markup:
        return Markup("<wbr>").join(pieces(text))

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hpcflow.report", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: clean(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["spark"] = spark
    environment.filters["drawing"] = Markup
    environment.filters["breakable"] = breakable
    css = files("hpcflow.report").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        page=page_of(source), css=Markup(css), version=__version__
    )
