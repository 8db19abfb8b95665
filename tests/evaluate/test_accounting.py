"""What a step took in and gave out, where its settings added tables."""

from selfj.evaluate.accounting import step_counts
from selfj.records import Instruction, rejected, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest


def write(run: RunFolder, name: str, rows_in: int, rows_out: int, rejects: int) -> None:
    run.table(name).write_manifest(Manifest(name, Fingerprint({}, {}), True, rows_in, rows_out, rejects, seconds=2.0))
    reject = [rejected("collect", "s", "duplicate: of s row 1", row=row) for row in range(rejects)]
    run.table(name).write(0, to_table(Instruction, []), reject, rejects)


def test_rows_that_collect_hands_on_between_its_tables_are_counted_once(run_folder: RunFolder) -> None:
    write(run_folder, "collected", 10, 9, 1)
    write(run_folder, "unique", 9, 7, 2)
    write(run_folder, "embeddings", 7, 7, 0)
    write(run_folder, "instructions", 7, 4, 3)
    counts = step_counts(run_folder)["collect"]
    assert (counts["rows_in"], counts["rows_out"], counts["rejected"], counts["seconds"]) == (10, 4, 6, 8.0)
