"""Stream a text table of genes x cells into a sparse matrix, one line at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from scbench.datasets.formats import separator

DIGITS = 9  # longer numbers might not fit int32
REPORT_EVERY = 5000  # genes
Values = tuple[np.ndarray, np.ndarray]  # columns int32 and values of the entries of a line that are not 0


def read_genes_by_cells(path: Path, report: Callable[[str], None] = print) -> anndata.AnnData:
    """Read genes x cells; the memory is that of the entries that are not 0, about 16 bytes each at the peak.

    Returns
    -------
    AnnData with cells as rows; X is CSR int32, or float64 if a value is not whole.

    Raises
    ------
    ValueError
        If a line has too few or too many values, a value is not a number, or the file is incomplete.
    """
    mark = separator(path)
    genes: list[str] = []
    columns: list[np.ndarray] = []
    values: list[np.ndarray] = []
    width = 0
    try:
        with _opened(path) as stream:
            header = next(csv.reader([stream.readline().decode("utf-8-sig").rstrip("\r\n")], delimiter=mark), [])
            for gene, count, found in _rows(stream, len(header), mark.encode()):
                width = count
                genes.append(gene)
                columns.append(found[0])
                values.append(found[1])
                if len(genes) % REPORT_EVERY == 0:
                    report(f"{path.name}: {len(genes)} genes read")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: is incomplete or damaged ({error}); fetch it again") from error
    except (ValueError, OSError, csv.Error) as error:
        needs = "needs genes x cells, numbers only, with gene names in the first column and cell ids in the first line"
        raise ValueError(f"{path}: {needs} ({error})") from error
    if not width:
        raise ValueError(f"{path}: needs genes x cells but holds no values; columns must be separated by {mark!r}")
    start = np.cumsum([0, *map(len, columns)])
    by_gene = sparse.csr_matrix((_joined(values), _joined(columns), start), shape=(len(genes), width))
    cells = header[-width:]  # tables of R leave out the name of the first column
    return anndata.AnnData(X=by_gene.T.tocsr(), obs=pd.DataFrame(index=cells), var=pd.DataFrame(index=genes))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, compressed or not, whatever its name says."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        yield io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if packed else raw  # type: ignore[arg-type]


def _rows(lines: Iterable[bytes], n_columns: int, mark: bytes) -> Iterator[tuple[str, int, Values]]:
    """Yield gene, number of fields after it and the values of each line; all lines must have equally many."""
    width = None
    for number, line in enumerate(lines, start=2):
        line = line.rstrip(b"\r\n")
        if not line:
            continue
        gene, rest = _name(line, mark)
        count = rest.count(mark)
        width = count if width is None else width
        if count != width or count not in (n_columns, n_columns - 1):
            raise ValueError(f"line {number} has {count} values, the first line names {n_columns} columns")
        try:
            yield gene, count, _values(rest, mark)
        except ValueError as error:
            raise ValueError(f"line {number}, {gene}: {error}") from error


def _name(line: bytes, mark: bytes) -> tuple[str, bytes]:
    """Split off the first field; the rest ends with a separator, if there is any."""
    if line.startswith(b'"'):
        name = next(csv.reader([line.decode()], delimiter=mark.decode()))[0]
        return name, line[len(name.replace('"', '""').encode()) + 3 :] + mark
    name_bytes, found, rest = line.partition(mark)
    return name_bytes.decode(), rest + mark if found else b""


def _values(text: bytes, mark: bytes) -> Values:
    """Parse fields that end with a separator; whole numbers together, the others one by one."""
    buffer = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(buffer == ord(mark))
    starts = np.concatenate([[0], ends + 1])[:-1]
    filled = np.flatnonzero((ends - starts != 1) | (buffer[starts] != ord("0")))
    starts, lengths = starts[filled], ends[filled] - starts[filled]
    numbers, whole = _whole_numbers(buffer, starts, lengths)
    if not whole.all():
        numbers = numbers.astype(np.float64)
        for place in np.flatnonzero(~whole):
            field = text[starts[place] : starts[place] + lengths[place]]
            try:
                numbers[place] = float(field.strip(b' "'))
            except ValueError:
                raise ValueError(f"{field.decode(errors='replace')!r} is not a number") from None
        if (numbers == np.rint(numbers)).all() and (np.abs(numbers) < 10**DIGITS).all():
            numbers = numbers.astype(np.int32)
    kept = numbers != 0
    return filled[kept].astype(np.int32), numbers[kept]


def _whole_numbers(buffer: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and which of them are digits, possibly followed by a point and zeros."""
    whole = (lengths > 0) & (lengths <= DIGITS)
    numbers = np.zeros(len(starts), dtype=np.int32)
    after_point = np.zeros(len(starts), dtype=bool)
    for position in range(min(int(lengths.max(initial=0)), DIGITS)):
        inside = position < lengths
        digit = buffer[np.minimum(starts + position, len(buffer) - 1)] - np.uint8(ord("0"))  # other characters: above 9
        point = inside & (digit == np.uint8(ord(".") - ord("0") + 256)) & ~after_point & (position > 0)
        whole &= ~inside | point | ((digit <= 9) & (~after_point | (digit == 0)))
        grows = inside & ~point & ~after_point
        numbers[grows] = numbers[grows] * 10 + digit[grows]
        after_point |= point
    return numbers, whole


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Concatenate and empty a list, so that no array is held twice."""
    joined = np.empty(sum(map(len, parts)), dtype=np.result_type(*{part.dtype for part in parts}))
    end = len(joined)
    while parts:
        part = parts.pop()
        joined[end - len(part) : end] = part
        end -= len(part)
    return joined
