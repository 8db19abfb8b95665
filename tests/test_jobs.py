"""What every job script does around its steps."""

import pytest
import ray

from selfj.config import STEPS
from selfj.errors import SelfJError
from selfj.jobs import ENTRIES, run_job, start_ray, step_entry


def test_every_step_has_an_entry_that_can_be_called() -> None:
    assert tuple(ENTRIES) == STEPS and all(callable(step_entry(entry)) for entry in ENTRIES.values())


def test_what_a_user_can_mend_is_one_line_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_job("collect", arguments=["--config", "configs/pocket.yaml", "--sample.top_p", "2"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: settings: sample.top_p: above 0, at most 1\n"


def test_ray_gets_another_chance_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def slow_once(**options: object) -> None:
        calls.append(options)
        if len(calls) == 1:
            raise Exception("The current node timed out during startup. This could happen because …")

    monkeypatch.setattr(ray, "init", slow_once)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    start_ray(num_cpus=1)
    assert calls == [{"num_cpus": 1}] * 2


def test_ray_that_never_starts_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(**options: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", slow)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(SelfJError, match="Ray did not start in time"):
        start_ray(attempts=2)


def test_any_other_problem_of_ray_comes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**options: object) -> None:
        raise ConnectionError("no head there")

    monkeypatch.setattr(ray, "init", broken)
    with pytest.raises(ConnectionError):
        start_ray()
