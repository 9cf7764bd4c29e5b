"""A real Slurm on this machine, shaped like a site: on loopback, in one folder, as any user.

It needs Debian's ``slurmctld slurmd slurm-client``, and ``slurmdbd mariadb-server`` for accounting.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpcflow.errors import RequestError, SlurmError
from hpcflow.site import Site, load_site
from hpcflow.slurm import testbed_conf
from hpcflow.slurm.processes import (
    MARK,
    Process,
    alive,
    read_process,
    send_signal,
    start_time,
    started_for,
    stat_of,
    wait_gone,
)

PROFILE = "mini-lumi"
SLURM_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
ACCOUNTING_PROGRAMS = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb-install-db")

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST_FOLDER = 60  # a step's socket lies below it, and a socket's path holds 107 characters


@dataclass(frozen=True)
class Testbed:
    """A running testbed."""

    folder: Path
    nodes: tuple[str, ...]
    account: str
    """Account of the jobs; "" without accounting."""

    __test__ = False  # the name begins like a test class

    @property
    def conf(self) -> Path:
        """The file that ``SLURM_CONF`` names."""
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What a caller adds to its environment to reach this Slurm and no other."""
        return {"SLURM_CONF": str(self.conf)}

    def stop(self, name: str, sig: int = signal.SIGKILL) -> None:
        """Send a signal to one daemon: a node's name, ``slurmctld`` or ``slurmdbd``; a fault to inject."""
        send_signal(read_process(self.folder / "processes" / name), sig)

    def start(self, name: str) -> None:
        """Start a daemon again that was stopped."""
        _launch_slurm(self.folder, name)


def missing_programs(*, accounting: bool = False) -> tuple[str, ...]:
    """Programs that a testbed needs and this machine lacks."""
    wanted = SLURM_PROGRAMS + (ACCOUNTING_PROGRAMS if accounting else ())
    return tuple(name for name in wanted if shutil.which(name, path=_PATH) is None)


def up(
    folder: str | Path,
    *,
    site: Site | None = None,
    nodes: Mapping[str, int] | None = None,
    accounting: bool = False,
    submitted: Mapping[str, int] | None = None,
    cgroup: bool = False,
    node_timeout: int = 20,
    min_job_age: int = 300,
) -> Testbed:
    """Start a testbed.

    Parameters
    ----------
    folder
        Where everything lies; made here, removed by `down`. At most 60 characters, free of spaces.
    site
        Whose partitions to copy; by default the shipped profile `mini-lumi`.
    nodes
        Nodes per node type, by default three of the first type and one of each other that has GPUs.
    accounting
        With slurmdbd and MariaDB, association limits as the profile states them.
    submitted
        MaxSubmitJobs per partition, in place of the profile's.
    cgroup
        Hold jobs to their memory (root and cgroup v1 only).
    node_timeout, min_job_age
        Slurm's SlurmdTimeout and MinJobAge, seconds.

    Raises
    ------
    RequestError
        Where programs are missing or the folder cannot serve.
    SlurmError
        Where a daemon does not start; nothing is left behind then.
    """
    missing = missing_programs(accounting=accounting)
    if missing:
        packages = "slurmctld slurmd slurm-client" + (" slurmdbd mariadb-server" if accounting else "")
        raise RequestError(
            f"a testbed runs Slurm's own programs; {', '.join(missing)} not found in {_PATH}, "
            f"so none can be started; install Debian's packages {packages}"
        )
    site = site or load_site(PROFILE)
    place = _checked_folder(folder)
    names = _node_names(site, nodes, secrets.randbelow(900) * 1000 if cgroup else 0)
    place.mkdir(parents=True, mode=0o700)
    every = [name for group in names.values() for name in group]
    mark = {"hpcflow_testbed": 1, "site": site.name, "cgroups": every if cgroup else []}
    (place / "testbed.json").write_text(json.dumps(mark) + "\n")
    try:
        return _start(
            place, site, names, accounting, dict(submitted or {}), cgroup, node_timeout, min_job_age
        )
    except BaseException:
        down(place)
        raise


def down(folder: str | Path) -> None:
    """Stop a testbed and remove its folder, also after a crash of whatever started it; twice is harmless.

    Raises
    ------
    RequestError
        Where the folder is there and is no testbed.
    """
    place = Path(os.path.abspath(folder))
    if not place.exists():  # somebody removed the folder alone
        _sweep(place, [])
        return
    if not (place / "testbed.json").is_file():
        raise RequestError(
            f"{place} holds no testbed, so nothing is stopped or removed; name the folder of `up`"
        )
    recorded = [read_process(file) for file in sorted((place / "processes").glob("*"))]
    running = [process for process in recorded if process is not None]
    _cancel_jobs(place)
    running.sort(key=lambda process: process.name in ("slurmctld", "slurmdbd", "mariadbd"))
    for process in running:
        send_signal(process, signal.SIGTERM)
    wait_gone(running, 5.0)
    _sweep(place, running)
    _remove_cgroups(place)
    shutil.rmtree(place, ignore_errors=True)
    if place.exists():
        shutil.rmtree(place)


@contextlib.contextmanager
def testbed(folder: str | Path, **options: object) -> Iterator[Testbed]:
    """A testbed for the length of a ``with`` block; options as for `up`."""
    bed = up(folder, **options)  # type: ignore[arg-type]
    try:
        yield bed
    finally:
        down(bed.folder)


testbed.__test__ = False  # type: ignore[attr-defined]


def _checked_folder(folder: str | Path) -> Path:
    place = Path(os.path.abspath(folder))
    text = str(place)
    if len(text) > _LONGEST_FOLDER or any(c.isspace() or c in "%#,=\"'\\$`[]" for c in text):
        raise RequestError(
            f"a testbed's folder has at most {_LONGEST_FOLDER} characters, no spaces and none of "
            f"% # , = $ [ ] or quotes; {text!r} would break slurm.conf or its sockets; choose another, "
            "as /tmp/testbed"
        )
    if place.exists():
        raise RequestError(f"a testbed makes its folder; {text!r} exists; stop it (`down`) or choose another")
    return place


def _node_names(site: Site, nodes: Mapping[str, int] | None, start: int) -> dict[str, list[str]]:
    kinds = list(site.nodes)
    if nodes is None:
        nodes = {kinds[0]: 3} | {kind: 1 for kind in kinds[1:] if site.nodes[kind].gpus}
    unknown = sorted(set(nodes) - set(kinds))
    if unknown:
        raise RequestError(f"node types of {site.name} are {', '.join(kinds)}; {', '.join(unknown)} is none")
    numbers = iter(range(start + 1, start + 1000))
    return {
        kind: [f"nid{next(numbers):06d}" for _ in range(nodes[kind])] for kind in kinds if nodes.get(kind)
    }


def _start(
    place: Path,
    site: Site,
    names: dict[str, list[str]],
    accounting: bool,
    submitted: dict[str, int],
    cgroup: bool,
    node_timeout: int,
    min_job_age: int,
) -> Testbed:
    for sub in ("log", "spool", "state", "processes"):
        (place / sub).mkdir()
    every = tuple(name for group in names.values() for name in group)
    layout = testbed_conf.Layout(
        folder=str(place),
        user=getpass.getuser(),
        host=socket.gethostname().split(".")[0],
        nodes=names,
        ports=_free_ports(["ctld", "dbd", "sql", *every]),
        gpu_files=[f"/dev/tty{number}" for number in range(1, 9)],
        accounting=accounting,
        cgroup=cgroup,
        node_timeout=node_timeout,
        min_job_age=min_job_age,
    )
    for file, text in {
        "slurm.conf": testbed_conf.slurm_conf(site, layout),
        "gres.conf": testbed_conf.gres_conf(site, layout),
        "cgroup.conf": testbed_conf.cgroup_conf(layout),
    }.items():
        if text:
            (place / file).write_text(text)
    if accounting:
        _start_accounting(place, layout)
        for command in testbed_conf.limits(site, layout, submitted):
            _sacctmgr(place, command)
    bed = Testbed(place, every, testbed_conf.ACCOUNT if accounting else "")
    _launch_slurm(place, "slurmctld")
    for name in every:
        _launch_slurm(place, name)
    _await(lambda: _idle(bed) == len(every), 30.0, f"the nodes of {place}", place)
    return bed


def _start_accounting(place: Path, layout: testbed_conf.Layout) -> None:
    conf = place / "slurmdbd.conf"
    conf.touch(mode=0o600)
    conf.write_text(testbed_conf.slurmdbd_conf(layout))
    data, quiet = place / "sql", ["--no-defaults", f"--user={layout.user}"]
    made = subprocess.run(
        ["mariadb-install-db", *quiet, f"--datadir={data}", "--auth-root-authentication-method=normal",
         "--skip-test-db", "--skip-name-resolve"],
        capture_output=True, text=True, timeout=120, env=_environment(place), check=False,
    )  # fmt: skip
    if made.returncode:
        raise SlurmError(
            f"mariadb-install-db could not make a database: {made.stdout[-500:]}{made.stderr[-500:]}"
        )
    _launch(
        place,
        "mariadbd",
        ["mariadbd", *quiet, f"--datadir={data}", f"--socket={place}/sql.sock", f"--pid-file={place}/sql.pid",
         "--bind-address=127.0.0.1", f"--port={layout.ports['sql']}", "--skip-log-bin", "--skip-name-resolve",
         "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF"],
    )  # fmt: skip
    _await(lambda: _answers(layout.ports["sql"]), 30.0, "mariadbd", place)
    _launch(place, "slurmdbd", ["slurmdbd", "-D"])
    _await(lambda: _answers(layout.ports["dbd"]), 30.0, "slurmdbd", place)


def _sacctmgr(place: Path, command: Sequence[str]) -> None:
    done = subprocess.run(
        ["sacctmgr", "-i", "-Q", *command],
        capture_output=True, text=True, timeout=60, env=_environment(place), check=False,
    )  # fmt: skip
    if done.returncode and "Nothing new added" not in done.stdout + done.stderr:
        raise SlurmError(f"sacctmgr {' '.join(command)}: {done.stdout}{done.stderr}")


def _launch_slurm(place: Path, name: str) -> None:
    conf = str(place / "slurm.conf")
    if name == "slurmdbd":
        _launch(place, name, ["slurmdbd", "-D"])
    elif name == "slurmctld":
        _launch(place, name, ["slurmctld", "-D", "-f", conf])
    else:
        _launch(place, name, ["slurmd", "-D", "-N", name, "-f", conf])


def _launch(place: Path, name: str, command: list[str]) -> None:
    program = shutil.which(command[0], path=_PATH)
    if program is None:
        raise RequestError(f"{command[0]} is not installed")
    with open(place / "log" / f"{name}.out", "ab") as log:
        daemon = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place,
            env=_environment(place), start_new_session=True,
        )  # fmt: skip
    daemon.returncode = 0  # it outlives this process; `alive` asks the system, not this object
    (place / "processes" / name).write_text(f"{daemon.pid} {start_time(daemon.pid)}\n")


def _environment(place: Path) -> dict[str, str]:
    return {
        "PATH": _PATH,
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "SLURM_CONF": str(place / "slurm.conf"),
        MARK: str(place),
    }


def _free_ports(names: Sequence[str]) -> dict[str, int]:
    """A free port per name, outside the range from which the kernel gives ports to clients."""
    with contextlib.ExitStack() as held:
        ports: dict[str, int] = {}
        while len(ports) < len(names):
            port = 10_000 + secrets.randbelow(20_000)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports[names[len(ports)]] = port
        return ports


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _idle(bed: Testbed) -> int:
    shown = subprocess.run(
        ["sinfo", "-h", "-N", "-o", "%N %t"],
        capture_output=True, text=True, timeout=20, env=_environment(bed.folder), check=False,
    )  # fmt: skip
    return len({line.split()[0] for line in shown.stdout.splitlines() if line.endswith(" idle")})


def _await(ready: Callable[[], bool], seconds: float, what: str, place: Path) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            logs = [file for file in sorted((place / "log").glob("*")) if file.stat().st_size]
            tails = "\n".join(f"{file.name}: {file.read_text(errors='replace')[-400:]}" for file in logs)
            raise SlurmError(f"{what} did not come up within {seconds:.0f} s\n{tails}")
        time.sleep(0.05)


def _sweep(place: Path, running: Sequence[Process]) -> None:
    """Kill what is left until nothing is."""
    for attempt in range(50):
        strays = started_for(place)
        for process in [*running, *strays]:
            send_signal(process, signal.SIGKILL)
        if not strays and not any(alive(process) for process in running):
            break
        time.sleep(0.02 * (attempt + 1))


def _remove_cgroups(place: Path) -> None:
    """Remove the groups that slurmd made for its nodes, whose names no other testbed has."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        for name in json.loads((place / "testbed.json").read_text())["cgroups"]:
            for top in Path("/sys/fs/cgroup").glob(f"*/slurm_{name}"):
                for folder, _, _ in os.walk(top, topdown=False):
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)


def _cancel_jobs(place: Path) -> None:
    """End jobs in the orderly way while slurmctld answers, so that slurmd sees its steps off."""
    controller = read_process(place / "processes" / "slurmctld")
    if controller is None or not alive(controller):
        return

    def ask(*command: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            return subprocess.run(
                command, capture_output=True, text=True, timeout=5, env=_environment(place), check=False
            ).stdout
        return ""

    if not ask("squeue", "-h", "-o", "%i"):
        return
    ask("scancel", "--user", getpass.getuser())
    end = time.monotonic() + 4.0
    known = {p.pid for file in (place / "processes").glob("*") if (p := read_process(file))}
    while time.monotonic() < end and any(
        process.pid not in known and stat_of(process.pid)[1:2] != [str(controller.pid)]
        for process in started_for(place)
    ):
        time.sleep(0.1)
