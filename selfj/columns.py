"""Text for a terminal: aligned columns, counts, sizes."""

from collections.abc import Sequence

UNKNOWN = "unknown"
NONE = "–"


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Rows of cells as lines; the first `left` columns stand to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(cell, i, widths[i], left) for i, cell in enumerate(row)).rstrip() for row in rows]


def _padded(cell: str, column: int, width: int, left: int) -> str:
    return cell.ljust(width) if column < left else cell.rjust(width)


def count_text(value: float | None) -> str:
    """A number of rows."""
    return UNKNOWN if value is None else f"{round(value):,}"


def short_count(value: float | None) -> str:
    """A large number, short: 12 k, 3.4 M, 1.2 G; a dash for none."""
    if value is None:
        return UNKNOWN
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}" if value else NONE


def size_text(size: float | None) -> str:
    """Bytes as 340 kB, 12 MB, 1.5 GB."""
    if size is None:
        return UNKNOWN
    for step, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size >= step:
            return f"{size / step:.3g} {unit}"
    return f"{size / 1e3:.0f} kB" if size else NONE
