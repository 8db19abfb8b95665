"""A table of a run: whole parts, manifests that reconcile, and what makes a killed run go on."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from selfj.errors import RunFolderError
from selfj.records import Rejected, Similarity, rejected, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint


def rows(*keys: str) -> list[Similarity]:
    return [Similarity(key, 0.5, None) for key in keys]


def write(run: RunFolder, part: int, *keys: str, rejects: int = 0) -> None:
    refused = [rejected("score", "x", "why") for _ in range(rejects)]
    run.table("similarities").write(part, to_table(Similarity, rows(*keys)), refused, len(keys) + rejects)


FINGERPRINT = Fingerprint({"sample": {"temperature": 1.0}}, {"instructions": "abc"})


def test_a_table_is_its_parts_in_order(run_folder: RunFolder) -> None:
    write(run_folder, 1, "c")
    write(run_folder, 0, "a", "b")
    table = run_folder.table("similarities")
    assert table.parts() == [0, 1]
    assert table.read_all().column("response_id").to_pylist() == ["a", "b", "c"]
    assert table.read(0, ["similarity"]).column_names == ["similarity"]


def test_a_table_of_numbers_alone_is_cut_into_large_groups_and_takes_the_bytes_of_its_differences(run_folder: RunFolder) -> None:
    keys = np.sort(np.random.default_rng(1).integers(0, 1 << 40, 25_000))
    numbers = pa.table({"key": keys, "value": np.linspace(0, 1, len(keys))})
    names = numbers.append_column("name", pa.array([f"{key}" for key in keys]))
    for part, rows in enumerate((numbers, names)):
        run_folder.table("numbers").write(part, rows, [], len(keys))
        assert run_folder.table("numbers").read(part).equals(rows)
    groups = [run_folder.table("numbers").open(part).num_row_groups for part in (0, 1)]
    assert groups == [3, 50]
    column = run_folder.table("numbers").open(0).metadata.row_group(0).column(0)
    assert column.total_compressed_size < 5 * column.num_values


def test_finishing_counts_rows_of_all_parts_and_their_rejects(run_folder: RunFolder) -> None:
    table = run_folder.table("similarities")
    manifest = table.begin(FINGERPRINT, "score")
    write(run_folder, 0, "a", "b", rejects=3)
    write(run_folder, 1)
    manifest = table.finish(manifest)
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected, manifest.parts) == (5, 2, 3, 2)
    assert table.finished(FINGERPRINT) == manifest == table.manifest()
    assert table.rejected().num_rows == 3


def test_counts_that_do_not_reconcile_are_an_error(run_folder: RunFolder) -> None:
    table = run_folder.table("similarities")
    manifest = table.begin(FINGERPRINT, "score")
    table.write(0, to_table(Similarity, rows("a")), [], rows_in=2)
    with pytest.raises(RunFolderError, match="2 rows in, but 1 out and 0 rejected"):
        table.finish(manifest)
    found = table.manifest()
    assert found is not None and not found.finished


def test_other_settings_are_refused_with_what_changed(run_folder: RunFolder) -> None:
    table = run_folder.table("similarities")
    table.begin(FINGERPRINT, "score")
    other = Fingerprint({"sample": {"temperature": 0.7}}, {"instructions": "abc"})
    with pytest.raises(RunFolderError, match=r"sample\.temperature: 1\.0 → 0\.7.*--restart-from score"):
        table.begin(other, "score")
    assert table.finished(other) is None


def test_what_no_step_of_the_line_made_is_removed_and_not_restarted_from(run_folder: RunFolder) -> None:
    table = run_folder.table("instructions")
    table.begin(FINGERPRINT, "systems")
    with pytest.raises(RunFolderError) as raised:
        table.begin(Fingerprint({"instructions": 3}, {}), "systems")
    assert f"remove {run_folder.address}, or choose another --name" in str(raised.value)
    assert "--restart-from" not in str(raised.value)


def test_a_changed_source_in_a_list_is_named_by_its_place() -> None:
    before = Fingerprint({"collect": {"sources": [{"path": "a"}, {"path": "b"}]}}, {})
    after = Fingerprint({"collect": {"sources": [{"path": "a"}, {"path": "c"}]}}, {})
    assert before.changes(after) == ["collect.sources.1.path: b → c"]


def test_a_torn_file_of_a_killed_writer_is_not_a_part_and_is_cleared_away(run_folder: RunFolder) -> None:
    table = run_folder.table("similarities")
    manifest = table.begin(FINGERPRINT, "score")
    write(run_folder, 0, "a")
    torn = Path(run_folder.path("similarities")) / "part-00001.parquet.123.456.tmp"
    torn.write_bytes(b"half")
    assert table.parts() == [0]
    table.finish(manifest)
    assert not torn.exists()


def test_rejects_of_an_earlier_attempt_do_not_stay_beside_a_part_without_any(run_folder: RunFolder) -> None:
    write(run_folder, 0, "a", rejects=1)
    write(run_folder, 0, "a", "b")
    assert run_folder.table("similarities").counts(0).rejected == 0


def test_the_rejects_of_a_table_without_any_are_an_empty_table(run_folder: RunFolder) -> None:
    write(run_folder, 0, "a")
    assert run_folder.table("similarities").rejected().schema.names == list(Rejected.__dataclass_fields__)
