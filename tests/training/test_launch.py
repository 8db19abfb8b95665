"""What is checked and set before the workers start, and where they write."""

import json
from types import SimpleNamespace

import pytest

from selfj.config import LoopSettings
from selfj.errors import RunFolderError
from selfj.run import RunFolder
from selfj.training import launch, loop
from selfj.training.deepspeed import deepspeed_config
from tests.training.sessions import Case, job_of

_SNAPSHOT = "training/checkpoints/checkpoint_manager_snapshot.json"


def _job(run: RunFolder, **changes):
    return job_of(run.address, Case("case", "model", changes), "judge")


def test_checkpoints_of_another_number_of_workers_are_refused(run_folder):
    launch._check_workers(run_folder.store, _job(run_folder, workers=2))
    run_folder.store.write("training/checkpoints/step-0000050/progress.json", b"{}")
    launch._check_workers(run_folder.store, _job(run_folder, workers=2))
    with pytest.raises(
        RunFolderError, match=r"made by 2 workers, not 4; go on with --train\.workers 2, or .*--restart-from train"
    ):
        launch._check_workers(run_folder.store, _job(run_folder, workers=4))


def test_the_number_of_workers_can_change_before_the_first_checkpoint(run_folder):
    for workers in (2, 4):
        launch._check_workers(run_folder.store, _job(run_folder, workers=workers))
    assert json.loads(run_folder.store.read("training/checkpoints/workers.json")) == {"workers": 4}


@pytest.mark.parametrize(("content", "kept"), [(b'{"version": 1}', True), (b'{"versi', False), (b"", False)])
def test_a_torn_list_of_checkpoints_is_thrown_away(run_folder, content, kept, capsys):
    run_folder.store.write(_SNAPSHOT, content)
    launch._drop_torn_snapshot(run_folder.store, _job(run_folder))
    assert run_folder.store.exists(_SNAPSHOT) == kept
    assert ("training begins anew" in capsys.readouterr().out) != kept


def test_checkpoints_go_to_any_file_system_that_fsspec_knows(run_folder):
    assert launch._storage(run_folder.store, _job(run_folder)) == {"storage_path": run_folder.store.path("training")}
    remote = RunFolder("memory://bucket/run")
    storage = launch._storage(remote.store, _job(remote))
    assert storage["storage_path"] == "/bucket/run/training"
    storage["storage_filesystem"].create_dir("/bucket/run/training/x")
    assert remote.store.exists("training/x")


def test_a_remote_run_folder_gets_a_copy_of_the_model():
    run = RunFolder("memory://bucket/written")
    trainee = SimpleNamespace(write_model=lambda folder, base: (folder / "config.json").write_text(base))
    loop.write(SimpleNamespace(job=_job(run), trainee=trainee, rank=0))
    assert run.store.read("judge/config.json") == b"model"


def test_workers_on_gpus_reserve_one_each_and_cpu_workers_their_threads():
    on_gpus = launch._scaling(LoopSettings(workers=8, gpus_per_worker=1))
    on_cpus = launch._scaling(LoopSettings(workers=2, threads=3))
    assert (on_gpus.use_gpu, on_gpus.resources_per_worker) == (True, {"CPU": 1, "GPU": 1})
    assert (on_cpus.use_gpu, on_cpus.resources_per_worker) == (False, {"CPU": 3})
    assert launch._environment(LoopSettings(threads=3))["OMP_NUM_THREADS"] == "3"
    assert "DS_ACCELERATOR" not in launch._environment(LoopSettings(gpus_per_worker=1))


def test_deepspeed_gets_stage_precision_and_clipping():
    config = deepspeed_config(LoopSettings(zero_stage=2, precision="bfloat16", max_grad_norm=0.5))
    assert (config["zero_optimization"]["stage"], config["gradient_clipping"]) == (2, 0.5)
    assert config["bf16"] == {"enabled": True}
    assert config["data_types"] == {"grad_accum_dtype": "fp32"}
    assert "bf16" not in deepspeed_config(LoopSettings(precision="float32"))


def test_the_optimizer_is_offloaded_only_where_zero_shards_it():
    assert "offload_optimizer" in deepspeed_config(LoopSettings(zero_stage=1, offload_optimizer=True))["zero_optimization"]
    assert "offload_optimizer" not in deepspeed_config(LoopSettings(zero_stage=0, offload_optimizer=True))["zero_optimization"]
