"""Files with the weights of backbones: checked by their SHA-256, and errors of fetching them as true sentences."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError, MissingError
from ..safety.out_of_memory import first_line
from .atomic_write import sha256

NO_DOWNLOAD = "the backbone 'efficientnet_lite0' needs no download"
# A network failed: errors of these modules, and system errors without a number or with one of these numbers.
NETWORK_MODULES = {"urllib", "http", "socket", "ssl", "requests", "httpx", "huggingface_hub"}
NETWORK_ERRNOS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH)


def check_weights(path: Path, digest: str, fix: str) -> str:
    """Return the SHA-256 of a weights file after a check.

    Parameters
    ----------
    path : Path
        File with weights.
    digest : str
        First digits of the expected SHA-256, or all of them.
    fix : str
        Advice if the file cannot be used.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InputError
        If the file is missing or has another digest.

    Examples
    --------
    >>> check_weights(Path("none.pth"), "5793", "fetch it again.")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: The weights none.pth are missing: fetch it again.
    """
    if not path.is_file():
        raise MissingError(f"The weights {path} are missing: {fix}")
    actual = sha256(path)
    if not actual.startswith(digest):
        raise InputError(f"The weights {path} are damaged (SHA-256 {actual[:8]}, expected {digest[:8]}): {fix}")
    return actual


@contextlib.contextmanager
def explain_fetch(name: str, fix: str) -> Iterator[None]:
    """Turn an error of fetching weights into a sentence if its cause is clear. Other errors pass through.

    Parameters
    ----------
    name : str
        Name of the backbone.
    fix : str
        Advice if the network failed.

    Yields
    ------
    None

    Raises
    ------
    MissingError
        If the network failed.
    InputError
        If the disk is full, the folder is read-only, the file arrived damaged, or there are no such weights.

    Examples
    --------
    >>> try:
    ...     with explain_fetch("resnet18", "copy the file by hand"):
    ...         raise OSError(errno.ENOSPC, "No space left on device")
    ... except InputError as error:
    ...     print(error)
    The weights of resnet18 were not stored, the disk is full ([Errno 28] No space left on device): free some space.
    """
    try:
        yield
    except Exception as error:
        said, number, weights = first_line(error), getattr(error, "errno", None), f"The weights of {name}"
        modules = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
        if number in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            explained = InputError(f"{weights} were not stored, the disk is full ({said}): free some space.")
        elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
            explained = InputError(
                f"{weights} were not stored, the folder is not yours to write ({said}): change its permissions, or set "
                "TORCH_HOME and HF_HOME to another folder."
            )
        elif "invalid hash" in said:
            explained = InputError(f"{weights} arrived damaged ({said}): fetch them again, or {fix}.")
        elif isinstance(error, RuntimeError) and "retrained" in said:  # timm's words for an unknown tag or no weights
            explained = InputError(f"{weights} do not exist ({said}): `timm.list_pretrained()` lists those that do.")
        elif modules & NETWORK_MODULES or isinstance(error, OSError) and (not number or number in NETWORK_ERRNOS):
            explained = MissingError(f"{weights} could not be fetched ({said}): {fix}, or {NO_DOWNLOAD}.")
        else:
            raise
        raise explained from error
