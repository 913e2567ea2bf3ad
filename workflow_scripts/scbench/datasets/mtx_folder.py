"""Read folders of 10x Genomics: matrix.mtx with barcodes.tsv and genes.tsv or features.tsv."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.io
from scipy import sparse

from scbench.datasets.safety import BYTES_PER_ENTRY, TEXT, UnsafeError, check_gzip, check_memory

MATRIX = re.compile(r"(?P<prefix>.*)matrix\.mtx(\.gz)?")
GENES = "Gene Expression"  # the other feature types are antibodies, guides and the like


def find_matrices(folder: Path) -> list[Path]:
    """Return all files [prefix]matrix.mtx[.gz] in a folder and in its subfolders."""
    return sorted(path for path in folder.rglob("*matrix.mtx*") if MATRIX.fullmatch(path.name))


def read_mtx_folder(folder: Path, matrices: Sequence[Path]) -> anndata.AnnData:
    """Read the matrices of a folder; several become one dataset with a column `sample`.

    Parameters
    ----------
    matrices
        Found by `find_matrices`. Cell Ranger 2 writes genes.tsv, later versions features.tsv, each possibly with .gz;
        GEO puts a prefix such as GSM123_ before the names.

    Returns
    -------
    AnnData of the features of type "Gene Expression", named by symbol, with var gene_ids. With several matrices, obs
    sample is what differs between their folders or prefixes, and cell ids are {sample}_{barcode}.

    Raises
    ------
    ValueError
        If a file is missing or damaged, sizes disagree, or the matrices have different genes.
    """
    parts = [_read_matrix(path) for path in matrices]
    if len(parts) == 1:
        return parts[0]
    for path, part, sample in zip(matrices, parts, _samples(folder, matrices), strict=True):
        if not part.var.equals(parts[0].var):
            raise ValueError(f"{path}: has other genes than {matrices[0]}; give matrices of one annotation")
        part.obs_names = sample + "_" + part.obs_names
        part.obs["sample"] = sample
    X = sparse.vstack([part.X for part in parts], format="csr")
    return anndata.AnnData(X=X, obs=pd.concat([part.obs for part in parts]), var=parts[0].var)


def _read_matrix(path: Path) -> anndata.AnnData:
    found = MATRIX.fullmatch(path.name)
    prefix = found["prefix"] if found else ""
    barcodes = _table(path, prefix, "barcodes.tsv")
    features = _table(path, prefix, "features.tsv", "genes.tsv")
    check_gzip(path, TEXT)
    try:
        rows, columns, entries, layout = scipy.io.mminfo(path)[:4]
        check_memory(path, BYTES_PER_ENTRY * (entries if layout == "coordinate" else rows * columns))
        matrix = scipy.io.mmread(path)
    except UnsafeError:
        raise
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: is not a readable Matrix Market file ({error}); fetch it again") from error
    if not sparse.issparse(matrix) or matrix.shape != (len(features), len(barcodes)):
        sizes = f"{len(features)} features and {len(barcodes)} barcodes beside it"
        raise ValueError(f"{path}: is {matrix.shape[0]} x {matrix.shape[1]}, but there are {sizes}")
    X = sparse.csr_matrix(matrix.T)
    names = features[1] if 1 in features else features[0]
    var = pd.DataFrame({"gene_ids": features[0].to_numpy()}, index=names.to_numpy())
    if 2 in features:
        is_gene = (features[2] == GENES).to_numpy()
        X, var = X[:, np.flatnonzero(is_gene)], var[is_gene]
    return anndata.AnnData(X=X, obs=pd.DataFrame(index=barcodes[0].to_numpy()), var=var)


def _table(matrix: Path, prefix: str, *names: str) -> pd.DataFrame:
    """Read the first of the files that exists beside the matrix."""
    candidates = [matrix.with_name(prefix + name + end) for name in names for end in ("", ".gz")]
    path = next((path for path in candidates if path.exists()), None)
    if path is None:
        expected = " or ".join(prefix + name for name in names)
        raise ValueError(f"{matrix}: there is no {expected} (also .gz) beside it")
    check_gzip(path)
    try:
        return pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False, quoting=3)
    except (ValueError, OSError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: is not a readable table ({error}); fetch it again") from error


def _samples(folder: Path, matrices: Sequence[Path]) -> list[str]:
    """Return what differs between the places of the matrices: parts of the path, or prefixes of the names."""
    places = []
    for path in matrices:
        found = MATRIX.fullmatch(path.name)
        prefix = found["prefix"].rstrip("_-.") if found else ""
        places.append([*path.parent.relative_to(folder).parts, *([prefix] if prefix else [])])
    start = _in_common(places)
    end = _in_common([place[start:][::-1] for place in places])
    return ["/".join(place[start : len(place) - end]) or "/".join(place) or "." for place in places]


def _in_common(places: Sequence[Sequence[str]]) -> int:
    """Return how many leading parts all places share."""
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*places, strict=False)))
