"""A worker process as the system sees it: its pipes, cores, threads and memory."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY_HEADROOM = 1.25
MEMORY_FLOOR = 384 * 2**20
"""Least RLIMIT_DATA: an interpreter with its libraries must start."""

_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "BLIS", "VECLIB_MAXIMUM")

_GPU_VARIABLES = (
    *("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"),
)

Child = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Gpus:
    """The GPUs of a node that workers get, one each.

    Attributes
    ----------
    variable
        That says which GPUs a process sees.
    order
        Their numbers within the job, in the order of the cores that they are beside.
    """

    variable: str
    order: tuple[int, ...]

    def environment(self, slot: int, workers: int, given: Mapping[str, str]) -> dict[str, str]:
        """An environment in which a worker sees its own GPU alone.

        Other variables that choose GPUs are left out: some would count within those that this one shows.

        Parameters
        ----------
        given
            The agent's environment, in which Slurm names the GPUs of the job.

        Raises
        ------
        ValueError
            Where there are fewer GPUs than the agent was told.

        >>> Gpus("V", (2, 3, 0, 1)).environment(1, 2, {"V": "4,5,6,7", "CUDA_VISIBLE_DEVICES": "0,1"})
        {'V': '4'}
        """
        seen = given.get(self.variable, "")
        known = seen.split(",") if seen else [str(number) for number in range(len(self.order))]
        if len(known) < len(self.order):
            raise ValueError(
                f"{self.variable}={seen} names fewer GPUs than the {len(self.order)} of this job"
            )
        gpu = known[self.order[slot * len(self.order) // workers]]
        kept = {name: value for name, value in given.items() if name not in _GPU_VARIABLES}
        return {**kept, self.variable: gpu}


def start_child(command: Sequence[str], slot: int, workers: int, gpus: Gpus | None = None) -> Child:
    """Start a worker on its share of the cores, with one thread, and first in line should memory run out.

    Raises
    ------
    ValueError
        As `Gpus.environment`.
    """
    environment = worker_environment()
    if gpus is not None:
        environment = gpus.environment(slot, workers, environment)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    cores = cores_of(slot, workers, physical_cores(os.sched_getaffinity(0)))
    with contextlib.suppress(OSError):
        if cores:
            os.sched_setaffinity(process.pid, cores)
        # the kernel then chooses a worker, not the agent
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("500")
    return process


def bound_memory(process: Child, memory: int) -> None:
    """Give a worker a MemoryError of its own before the kernel kills another; `memory` 0 for no bound."""
    if memory:
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_DATA)
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (data_limit(memory), hard))


def data_limit(memory: int) -> int:
    """RLIMIT_DATA for a worker whose planned bound is `memory` bytes."""
    return max(int(memory * MEMORY_HEADROOM), MEMORY_FLOOR)


def output_of(process: Child) -> int:
    """Descriptor of what a worker prints."""
    assert process.stdout is not None
    return process.stdout.fileno()


def tell(process: Child, line: bytes) -> None:
    """Send a line to a worker; that it is dead is seen on its output."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(line)
        process.stdin.flush()


def close_input(process: Child) -> None:
    """Let a worker end: it does at the end of its input."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def close_pipes(process: Child) -> None:
    """Close what is open towards a worker."""
    close_input(process)
    if process.stdout is not None:
        process.stdout.close()


def physical_cores(cpus: Iterable[int]) -> list[set[int]]:
    """The CPUs by core: hardware threads of one core belong together."""
    cores: dict[str, set[int]] = {}
    for cpu in sorted(cpus):
        siblings = str(cpu)
        with contextlib.suppress(OSError):
            siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
        cores.setdefault(siblings, set()).add(cpu)
    return list(cores.values())


def cores_of(slot: int, workers: int, cores: Sequence[set[int]]) -> set[int]:
    """CPUs of neighbouring cores for one worker; none where there are fewer cores than workers.

    >>> sorted(cores_of(1, 2, [{0, 4}, {1, 5}, {2, 6}, {3, 7}]))
    [2, 3, 6, 7]
    """
    if len(cores) < workers:
        return set()
    return set().union(*cores[slot * len(cores) // workers : (slot + 1) * len(cores) // workers])


def worker_environment() -> dict[str, str]:
    """One thread per worker: the agent uses the cores by its number of workers."""
    return {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}}


def oom_kills() -> int:
    """How often the kernel killed a process of our memory cgroup; 0 where it does not say."""
    return sum(_oom_counts())


def _oom_counts() -> Iterator[int]:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                file = Path(f"/sys/fs/cgroup{path}/memory.events")
            elif controllers == "memory":
                file = Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
            else:
                continue
            with contextlib.suppress(OSError, ValueError):
                for entry in file.read_text().splitlines():
                    if entry.startswith("oom_kill "):
                        yield int(entry.split()[1])
