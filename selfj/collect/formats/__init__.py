"""The formats that instructions come in; a new one is a class and a line here (and its name in `SourceSettings.format`)."""

from selfj.collect.formats.arrow import HubDataset, ParquetRows, SavedDataset
from selfj.collect.formats.base import Format, RawRow, RowProblem, Span
from selfj.collect.formats.csv_rows import CsvRows, TsvRows
from selfj.collect.formats.generator import GeneratedRows
from selfj.collect.formats.json_array import JsonArray
from selfj.collect.formats.jsonl import JsonLines

FORMATS: dict[str, type[Format]] = {
    "jsonl": JsonLines,
    "json": JsonArray,
    "csv": CsvRows,
    "tsv": TsvRows,
    "parquet": ParquetRows,
    "dataset": SavedDataset,
    "hf": HubDataset,
    "generator": GeneratedRows,
}

__all__ = ["FORMATS", "Format", "RawRow", "RowProblem", "Span"]
