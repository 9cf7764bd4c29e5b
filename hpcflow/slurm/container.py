"""A container image around what a job computes: which one, what it sees, and the line that starts it."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow.errors import RequestError
from hpcflow.site import Site
from hpcflow.slurm.directives import check_text, word

INSIDE = '"${inside[@]}" '
"""Before every program of a job that runs in the image."""


def image_of(site: Site, asked: str | None) -> str:
    """The image that jobs run in, the workflow's before the profile's; "" for none.

    Raises
    ------
    RequestError
        Where the site's profile does not say how a container is started, or the path is not absolute.
    """
    image = asked or (site.container.image if site.container is not None else "")
    if not image:
        return ""
    if site.container is None:
        raise RequestError(
            f"the profile {site.name} does not say how a container is started; add container: {{program: "
            "apptainer, bind: […]} to it, or leave run.container out"
        )
    check_text(image, "a container image")
    if not image.startswith("/"):
        raise RequestError(f"a container image is named by its absolute path; found {image!r}")
    return image


def binds(site: Site, paths: Sequence[str]) -> tuple[str, ...]:
    """Folders that a container must see: the profile's, and of `paths` those that lie in none of them.

    Raises
    ------
    RequestError
        For a path that a bind option would split.
    """
    found = list(site.container.bind if site.container is not None else ())
    for path in sorted(set(paths)):
        if not any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in found):
            found.append(path)
    for path in found:
        check_text(path, "a folder that a container sees")
        if not path.startswith("/") or set(path) & set(",:"):
            raise RequestError(
                f"a folder that a container sees has an absolute path without , and :, which would end it; "
                f"{path!r} has not; move or rename it"
            )
    return tuple(found)


def container_lines(site: Site, image: str, paths: Sequence[str], gpus: bool = False) -> list[str]:
    """Lines of a script that say how a program is started inside the image; none without one.

    Parameters
    ----------
    gpus
        Whether programs inside must see the GPUs.
    """
    if not image or site.container is None:
        return []
    options = " ".join(f"--bind {word(path)}" for path in binds(site, paths))
    if gpus and site.container.gpu:
        options = f"{word(site.container.gpu)} {options}"
    return [
        "# Everything that computes runs in this image, which holds hpcflow; Slurm's programs stay outside.",
        f"readonly inside=({word(site.container.program)} exec {options} \\",
        f"    {word(image)})",
        "",
    ]
