"""What trips users up: a test for each row of the list of known mistakes, and none in what is generated."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow.errors import PlanError, RequestError
from hpcflow.site import Modules, Site, load_site
from hpcflow.slurm.batch import read_batch
from hpcflow.slurm.binding import cpu_masks
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.pitfalls import allocation_problems, check_architecture, check_keys, lint
from hpcflow.slurm.schedule import submissions
from hpcflow.slurm.script import Place, scripts
from tests.slurm.golden import CASES, build

LUMI, ROIHU, MINI = (load_site(name) for name in ("lumi", "roihu", "mini-lumi"))
MASKS = ",".join(cpu_masks(LUMI.nodes["gpu"], "gpus"))
BINDS = "-B /pfs,/scratch,/projappl,/project,/flash"


def script(
    partition: str, *more: str, commands: str = "srun ./app", account: str = "project_462000001"
) -> str:
    head = [f"#SBATCH --partition={partition}"] if partition else []
    head += [f"#SBATCH --account={account}"] if account else []
    head += ["#SBATCH --open-mode=append", "#SBATCH --time=01:00:00"]
    return "\n".join(["#!/bin/bash -l", *head, *(f"#SBATCH {line}" for line in more), "", commands]) + "\n"


def rules(text: str, site: Site = LUMI, machine: str = "") -> set[str]:
    return {f"{found.level} {found.rule}" for found in lint(text, site, machine=machine)}


GPU_NODE = ("--nodes=2", "--ntasks-per-node=8", "--gpus-per-node=8")
GOOD_STEP = (
    f"srun --cpu-bind=mask_cpu:{MASKS} --gpu-bind=map:0,1,2,3,4,5,6,7 --gres-flags=allow-task-sharing ./app"
)

FINE = {
    "MPI on whole nodes": (LUMI, script("standard", "--nodes=2", "--ntasks=256", "--mem=224G")),
    "hybrid": (
        LUMI,
        script(
            "standard",
            "--nodes=2",
            "--ntasks-per-node=16",
            "--cpus-per-task=8",
            commands="export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK\nsrun --cpus-per-task=8 ./app",
        ),
    ),
    "a rank to each GPU": (LUMI, script("standard-g", *GPU_NODE, commands=GOOD_STEP)),
    "part of a GPU node": (
        LUMI,
        script(
            "small-g",
            "--gpus-per-node=1",
            "--cpus-per-task=7",
            "--mem=60G",
            commands="srun --cpus-per-task=7 ./app",
        ),
    ),
    "a container": (LUMI, script("small", commands=f"srun singularity exec {BINDS} a.sif ./app")),
    "Roihu, a node": (
        ROIHU,
        script(
            "medium",
            "--nodes=2",
            "--ntasks-per-node=96",
            "--cpus-per-task=4",
            commands="srun --cpus-per-task=4 ./app",
        ),
    ),
    "Roihu, a GPU": (
        ROIHU,
        script("gpumedium", "--cpus-per-task=72", "--gres=gpu:gh200:1", commands="srun -c 72 ./app"),
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_the_published_forms_are_fine(name: str) -> None:
    site, text = FINE[name]
    assert rules(text, site) == set()


@pytest.mark.parametrize("case", [c for c, (_, site, _, _) in CASES.items() if site != "local"])
def test_what_hpcflow_writes_is_fine(case: str) -> None:
    site = load_site(CASES[case][1])
    machine = "aarch64" if case.endswith("on_gpus-roihu") else "x86_64"
    for path, text in build(case).items():
        if path.startswith("jobs/"):
            assert lint(text, site, machine=machine) == (), path


@settings(max_examples=40, deadline=None)
@given(
    site=st.sampled_from([LUMI, ROIHU, MINI]),
    partition=st.sampled_from(
        [None, None, "small", "standard", "medium", "hugemem", "longrun", "debug", "small-g", "gpumedium"]
    ),
    form=st.sampled_from(["workers", "gpus", "ranks"]),
    shared=st.floats(0, 1),
    blocks=st.integers(1, 10**6),
    seconds=st.floats(0.01, 5000),
    memory=st.integers(2**20, 200 * 2**30),
    prefer=st.sampled_from(["cost", "time"]),
)
def test_no_plan_gives_a_script_with_an_error(
    site: Site,
    partition: str | None,
    blocks: int,
    seconds: float,
    memory: int,
    prefer: str,
    form: str,
    shared: float,
) -> None:
    options = Options(account="project_1", partition=partition, prefer=prefer)  # type: ignore[arg-type]
    needs = [
        StageNeed("ingest", min(blocks, 1000), (), 2**28, seconds / 40, seconds / 10, "ingest"),
        StageNeed(
            *("work", blocks, ("ingest",), memory, seconds / 4, seconds),
            form=form,  # type: ignore[arg-type]
            shared_bytes=int(shared * memory) if form == "ranks" else 0,
        ),
        StageNeed("assemble", 7, ("work",), 2**28, seconds / 40, seconds / 10, "assemble"),
    ]
    try:
        schedule = plan_jobs(needs, site, options, run="01234567")
    except RequestError:
        return
    for path, text in scripts(schedule, site, Place("/scratch/x", "/p/python")).items():
        if path.startswith("jobs/"):
            found = [one for one in lint(text, site) if one.rule != "dearer-share"]  # a price, and it is told
            assert found == [], (path, text)


# --- one test for each row -------------------------------------------------------------------------------


def test_row_1_no_account_or_partition() -> None:
    assert "error names" in rules(script("small", account=""))
    assert "error names" in rules(script(""))
    with pytest.raises(RequestError, match="no default account"):
        plan_jobs([], LUMI, Options(), run="01234567")


def test_row_2_cores_that_the_system_keeps() -> None:
    assert "error cores" in rules(script("standard-g", "--ntasks-per-node=64", "--gpus-per-node=8"))
    wide = script("standard-g", "--ntasks-per-node=8", "--cpus-per-task=8", "--gpus-per-node=8")
    assert "error cores" in rules(wide)
    bound = script("standard-g", *GPU_NODE, commands="srun --cpu-bind=map_cpu:0,8,16,24,32,40,48,56 ./app")
    assert "error cores" in rules(bound)
    masked = script("standard-g", *GPU_NODE, commands="srun --cpu-bind=mask_cpu:0xff,0xfe00 ./app")
    assert "error cores" in rules(masked)


def test_row_3_ranks_with_gpus_beside_other_cores() -> None:
    linear = "--gpu-bind=map:0,1,2,3,4,5,6,7 --gres-flags=allow-task-sharing"
    assert "error gpu-order" in rules(script("standard-g", *GPU_NODE, commands=f"srun {linear} ./app"))
    wrapped = "export ROCR_VISIBLE_DEVICES=$SLURM_LOCALID\nsrun ./app"
    assert "error gpu-order" in rules(script("standard-g", *GPU_NODE, commands=wrapped))
    permuted = linear.replace("0,1,2,3,4,5,6,7", "4,5,2,3,6,7,0,1")
    assert rules(script("standard-g", *GPU_NODE, commands=f"srun {permuted} ./app")) == set()


def test_row_4_gpus_hidden_from_one_another() -> None:
    for option in ("--gpus-per-task=1", "--ntasks-per-gpu=1", "--gpu-bind=closest"):
        text = script(
            "small-g", "--ntasks=2", "--gpus-per-node=2", "--mem=60G", commands=f"srun {option} ./app"
        )
        assert "error gpu-sharing" in rules(text)
        shared = text.replace("srun ", "srun --gres-flags=allow-task-sharing ")
        assert rules(shared) == set()
        old = replace(LUMI, slurm="22.05")
        assert "error gpu-sharing" in rules(shared, old), "this flag is refused there"


@pytest.mark.parametrize("partition", ["small-g", "dev-g", "small"])
def test_row_5_binding_by_number_on_shared_nodes(partition: str) -> None:
    text = script(partition, "--ntasks=2", "--mem=4G", commands="srun --cpu-bind=map_cpu:1,9 ./app")
    assert "error bind-shared" in rules(text)
    alone = script(
        partition, "--ntasks=2", "--mem=4G", "--exclusive", commands="srun --cpu-bind=map_cpu:1,9 ./a"
    )
    assert "error bind-shared" not in rules(alone)


@pytest.mark.parametrize(("partition", "given"), [("small", "112G"), ("small-g", "64G")])
def test_row_6_a_node_alone_with_part_of_its_memory(partition: str, given: str) -> None:
    found = lint(script(partition, "--exclusive"), LUMI)
    assert any(one.rule == "exclusive-memory" and given in one.text for one in found)
    assert "error exclusive-memory" not in rules(script(partition, "--exclusive", "--mem=224G"))


def test_row_7_memory_or_cores_that_cost_more() -> None:
    found = lint(script("small", "--ntasks=4", "--mem=32G"), LUMI)
    assert any("16 core-hours an hour, not 4" in one.text for one in found)
    for more in ("--cpus-per-task=16", "--mem=128G"):
        text = script("small-g", "--gpus-per-node=1", more, commands="srun --cpus-per-task=16 ./app")
        found = lint(text, LUMI)
        assert any(
            "1 GPU-hours an hour, not 0.5" in one.text and "7 cores and 60G" in one.text for one in found
        )
    need = StageNeed("work", 1, (), 30 * 2**30, 1, 3600)
    job = plan_jobs([need], LUMI, Options(account="p"), run="01234567").jobs[0]
    assert any("memory decides the price" in reason for reason in job.reasons), "and a plan says it too"


def test_row_8_part_of_a_whole_node() -> None:
    found = lint(script("standard", "--ntasks=4"), LUMI)
    assert any("128 core-hours" in one.text and "small" in one.text for one in found)
    found = lint(script("standard-g", "--gpus-per-node=1"), LUMI)
    assert any("4 GPU-hours" in one.text and "small-g" in one.text for one in found)


def test_row_9_more_jobs_than_the_queue_takes() -> None:
    assert "error submit-limit" in rules(script("small", "--array=1-1000"))
    assert "error submit-limit" in rules(script("dev-g", "--array=0-2", "--gpus-per-node=1"))
    assert rules(script("small", "--array=1-16%4")) == set()
    needs = [StageNeed("work", 10**7, (), 2**28, 50, 100)]
    schedule = plan_jobs(needs, LUMI, Options(account="p"), run="01234567")
    assert schedule.jobs[0].elements > 220
    assert all(call.size <= 220 for call in submissions(schedule))


@pytest.mark.parametrize(
    ("nodes", "time", "fine"),
    [(32, "00:30:00", True), (16, "01:00:00", True), (8, "02:00:00", True), (5, "03:00:00", True)]
    + [(32, "00:31:00", False), (9, "02:00:00", False), (6, "03:00:00", False), (1, "04:00:00", False)],
)
def test_row_10_node_hours(nodes: int, time: str, fine: bool) -> None:
    text = script("dev-g", f"--nodes={nodes}", "--gpus-per-node=8", "--ntasks-per-node=8", f"--time={time}")
    assert ("error limits" not in rules(text)) == fine


def test_row_11_gpu_buffers_without_their_library() -> None:
    text = script("standard-g", *GPU_NODE, commands=f"export MPICH_GPU_SUPPORT_ENABLED=1\n{GOOD_STEP}")
    assert rules(text) == {"warning variable"}
    loaded = "export LD_PRELOAD=${CRAY_MPICH_ROOTDIR}/gtl/lib/libmpi_gtl_hsa.so\n"
    assert rules(text.replace("export MPICH", f"{loaded}export MPICH")) == set()


def test_row_12_hardware_threads() -> None:
    late = script("small", "--ntasks=2", commands="srun --hint=multithread ./app")
    assert rules(late) == {"error hint"}
    assert rules(script("small", "--ntasks=2", "--hint=multithread")) == set()
    assert "error option" in rules(script("small", "--threads-per-core=2"))


def test_row_13_what_srun_does_not_inherit() -> None:
    assert "error inherit" in rules(script("small", "--ntasks=2", "--cpus-per-task=4"))
    inside = script("standard", "--nodes=2", "--ntasks=256", commands="srun --ntasks-per-node=128 ./app")
    assert rules(inside) == {"error inherit"}
    for case, (_, site, _, _) in CASES.items():
        if site != "local":
            jobs = [t for path, t in build(case).items() if path.startswith("jobs/") and "gate" not in path]
            runs = [line for text in jobs for line in text.splitlines() if line.startswith("srun ")]
            assert len(runs) >= len(jobs)
            assert all(re.search(r" --ntasks=\S+ --cpus-per-task=\d+ ", line) for line in runs)


def test_row_14_threads_without_srun() -> None:
    text = script("small", "--cpus-per-task=16", commands="export OMP_NUM_THREADS=16\n./openmp")
    assert rules(text) == {"warning threads"}


@pytest.mark.parametrize("program", ["mpirun -n 4 ./app", "mpiexec ./app", "/usr/bin/mpirun ./app"])
def test_row_15_another_launcher(program: str) -> None:
    for site in (LUMI, ROIHU):
        assert "error mpirun" in rules(script("small", commands=program), site)


@pytest.mark.parametrize("module", ["LUMI", "LUMI/24.03", "pytorch/2.4", "craype-hugepages8M", "rocm/5.6.1"])
def test_row_16_modules(module: str) -> None:
    assert rules(script("small", commands=f"module load {module}\nsrun ./app")) == {"warning module"}
    fine = script("small", commands="module load LUMI/25.03 partition/C craype-hugepages2M\nsrun ./app")
    assert rules(fine) == set()


def test_row_16_and_21_in_a_users_own_profile() -> None:
    """What a profile has jobs load is held against the same rows before anything is sent."""

    def loading(site: Site, *modules: str) -> Site:
        nodes = {name: replace(node, modules=Modules(load=modules)) for name, node in site.nodes.items()}
        return replace(site, nodes=nodes)

    need = StageNeed("work", 1, (), 2**28, 1, 2)
    with pytest.raises(PlanError, match="python-pytorch"):
        plan_jobs([need], loading(ROIHU, "pytorch"), Options(account="p"), run="01234567")
    noted = plan_jobs([need], loading(LUMI, "LUMI"), Options(account="p"), run="01234567")
    assert any("use load LUMI/25.03" in reason for reason in noted.reasons)
    fine = plan_jobs([need], LUMI, Options(account="p"), run="01234567")
    assert not any("note:" in reason for reason in fine.reasons)


def test_row_17_containers_without_binds() -> None:
    bare = "srun singularity exec image.sif python3 a.py"
    assert rules(script("small", commands=bare)) == {"error container"}
    partly = "srun singularity exec -B /scratch image.sif python3 a.py"
    found = lint(script("small", commands=partly), LUMI)
    assert [one.rule for one in found] == ["container"]
    assert "/pfs" in found[0].text
    by_module = f"module load lumi-aif-singularity-bindings\n{bare}"
    assert rules(script("small", commands=by_module)) == set()
    by_variable = f"export SINGULARITY_BIND=/pfs,/scratch,/projappl,/project,/flash\n{bare}"
    assert rules(script("small", commands=by_variable)) == set()


def test_row_18_temporary_files_in_memory() -> None:
    text = script("small", commands="cp big.zarr /tmp/\nsrun ./app /tmp/big.zarr")
    assert rules(text) == {"warning temporary"}
    for case, (_, site, _, run) in CASES.items():
        if site == "lumi":
            assert all("/tmp" not in t.replace(run, "") for t in build(case).values())


def test_row_19_too_many_files() -> None:
    assert rules(script("small", commands="python3 -m venv env")) == {"warning many-files"}
    assert rules(script("small", commands="conda create -n x")) == {"warning many-files"}
    many = StageNeed("work", 10, (), 2**28, 1, 2, files=600_000)
    with pytest.raises(PlanError, match="holds 500,000 files"):
        plan_jobs([many], ROIHU, Options(account="p"), run="01234567")


def test_row_20_programs_of_another_architecture() -> None:
    for partition, machine in (("gpumedium", "x86_64"), ("small", "aarch64")):
        with pytest.raises(PlanError, match="they would not start; compile the run there, on roihu-"):
            check_architecture(ROIHU, partition, machine)
        assert "error architecture" in rules(script(partition), ROIHU, machine)
    check_architecture(ROIHU, "gpumedium", "aarch64")


def test_row_21_names_of_the_machine_before() -> None:
    for gres in ("gpu:v100:1", "gpu:a100:2"):
        assert "error gres" in rules(script("gpumedium", f"--gres={gres}"), ROIHU)
    assert "error temporary" in rules(script("small", "--gres=nvme:100"), ROIHU)
    assert "error temporary" in rules(script("small", commands="cp a $LOCAL_SCRATCH"), ROIHU)
    assert "error temporary" not in rules(script("hugemem", "--gres=nvme:100"), ROIHU)
    assert "error module" in rules(script("gpumedium", commands="module load pytorch"), ROIHU)


def test_row_22_memory_and_sizes_that_the_site_fixes() -> None:
    for partition in ("hugemem", "gpumedium", "medium"):
        assert "error fixed-memory" in rules(script(partition, "--mem=100G"), ROIHU)
    assert "warning part-of-node" in rules(script("medium", "--ntasks-per-node=100"), ROIHU)
    assert "error limits" in rules(script("gpumedium", "--nodes=2", "--gres=gpu:gh200:4"), ROIHU)
    assert "error limits" in rules(script("large", "--nodes=5", "--ntasks-per-node=384"), ROIHU)
    assert "error limits" in rules(script("gpularge", "--gres=gpu:gh200:2"), ROIHU)
    assert "warning limits" in rules(script("large", "--nodes=6", "--ntasks-per-node=384"), ROIHU)


def test_row_23_burst_buffers() -> None:
    buffer = '--bb="#BB_LUA SBF storagesize=100G path=/run/sbb/me"'
    assert "error burst-buffer" in rules(script("small", buffer), ROIHU)
    assert "error burst-buffer" in rules(script("medium", buffer, commands="./app"), ROIHU)
    assert "error burst-buffer" not in rules(script("medium", buffer), ROIHU)


def test_row_24_requeued_jobs() -> None:
    text = script("small").replace("#SBATCH --open-mode=append\n", "")
    assert rules(text) == {"warning requeue"}
    assert rules(text.replace("#SBATCH --time", "#SBATCH --no-requeue\n#SBATCH --time")) == set()
    for case in CASES:
        for path, made in build(case).items():
            if path.startswith("jobs/") and not case.endswith("-local"):
                assert {"#SBATCH --requeue", "#SBATCH --open-mode=append"} <= set(made.splitlines())


@pytest.mark.parametrize(
    "commands",
    [
        "for i in 1 2 3; do\n  sbatch job.sh $i\ndone",
        "for f in *.mat; do srun ./app $f; done",
        "while squeue --me -h | grep -q x; do\n  sleep 5\ndone",
        "watch -n 2 squeue --me",
    ],
)
def test_row_25_many_short_calls(commands: str) -> None:
    assert "warning loops" in rules(script("small", commands=commands))


def test_row_25_windows_of_accounting() -> None:
    assert rules(script("small", commands="sacct -S now-90days")) == {"error loops"}
    assert rules(script("small", commands="sacct --starttime=now-20days")) == set()
    patient = "while squeue --me -h | grep -q x; do\n  sleep 120\ndone"
    assert rules(script("small", commands=patient)) == set()


def test_row_26_keys_and_storage_that_run_out() -> None:
    assert rules(script("small", commands="rclone copy a b")) == {"warning keys"}
    with pytest.raises(PlanError, match="may take 50 h"):
        check_keys(expires_in=24 * 3600, wait=48 * 3600, limit=2 * 3600)
    check_keys(expires_in=24 * 3600, wait=3600, limit=3600)
    info = {
        "billing": {"cpu_hours": {"alloc": 1000, "used": 10}, "storage_hours": {"alloc": 500, "used": 501.5}},
        "storage_quotas": {
            "directories": {
                "scratch": {"block_quota_used": 10, "block_quota_soft": 50, "inode_quota_used": 2_000_001,
                            "inode_quota_soft": 2_000_000, "inode_quota_hard": 2_200_000},
            }
        },
    }  # fmt: skip
    storage, files = allocation_problems(info)
    assert "502 of 500 are used, so no job of the project starts" in storage
    assert "2,000,001 of 2,000,000 files" in files
    assert list(allocation_problems({"billing": {"cpu_hours": {"alloc": 0, "used": 0}}})) == []


# --- reading scripts -------------------------------------------------------------------------------------


def test_directives_are_read_as_sbatch_reads_them() -> None:
    read = read_batch(
        '#!/bin/bash\n#SBATCH -p small -c4 # four\n#SBATCH --mem 4G\n#SBATCH --job-name="a b"\n'
        "# comment\nexport A=1\n#SBATCH --time=1:00:00\nsrun -n 2 \\\n  ./app --mem=9G | tee log\n"
    )
    assert read.directives == {"partition": "small", "cpus-per-task": "4", "mem": "4G", "job-name": "a b"}
    assert read.late == (7,)
    run = read.named("srun")[0]
    assert (run.line, dict(run.options)) == (8, {"ntasks": "2"}), "what follows the program is its own"
    assert read.named("tee")
    assert read.variables == [(6, "A=1")]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    lint(f"#SBATCH --partition=small\n{text}", LUMI)
