"""Whether a run was made with the settings that evaluation would label it with: they may have been edited since."""

from typing import Any

from selfj.config import Settings, as_dict, located
from selfj.errors import RunFolderError
from selfj.evaluate.methods import outside_table
from selfj.evaluate.outside import asked_with
from selfj.judge.step import trained_with
from selfj.run import VARIANTS, RunFolder
from selfj.sample import sampled_with
from selfj.score.step import combined_with, compared_with
from selfj.tables import Fingerprint
from selfj.variants import variant_settings

Expected = dict[str, tuple[str, dict[str, Any]]]
"""Table → the step that makes it, and the settings that its manifest should have."""


def check_made_with(run: RunFolder, settings: Settings) -> None:
    """Refuse settings that differ from those of the run's tables, of its judge and of its variants, as far as these are there.

    Raises RunFolderError, which says what differs.
    """
    _check(run, _expected(settings))
    _check(run, _of_outside(settings))
    for name, variant in run.variants().items():
        if name in settings.variants:
            made_by = {table: (VARIANTS, wanted) for table, (_, wanted) in _expected(variant_settings(settings, name)).items()}
            _check(variant, made_by)


def _expected(settings: Settings) -> Expected:
    return {
        "instructions": ("collect", as_dict(settings.collect, resources=False)),
        "responses": ("sample", sampled_with(settings)),
        "similarities": ("score", compared_with(settings)),
        "scored": ("score", combined_with(settings)),
        "judge": ("train", trained_with(settings)),
    }


def _of_outside(settings: Settings) -> Expected:
    return {outside_table(judge.name): ("evaluate", asked_with(judge)) for judge in located(settings).evaluate.judges}


def _check(run: RunFolder, expected: Expected) -> None:
    for table, (step, wanted) in expected.items():
        manifest = run.table(table).manifest()
        made = manifest.fingerprint.settings if manifest else {}
        by_the_step = bool(made.keys() & wanted.keys())
        changed = Fingerprint(made, {}).changes(Fingerprint(wanted, {})) if by_the_step else []
        if changed:
            raise RunFolderError(
                f"{run.address}/{table} was made with other settings ({'; '.join(changed[:5])}); give those it was made with, "
                f"or make it and what follows anew: selfj run SETTINGS --restart-from {step}"
            )
