"""Model folders on the public hub, through the package ``huggingface_hub``.

A model there is the folder that stands here, file by file. Nothing is asked of the network before a
name is met that is no folder on this machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from skimrnn import __version__
from skimrnn.answerer_file import KIND, read_answerer
from skimrnn.model_file import read_model
from skimrnn.model_folder import MAX_BYTES, open_folder

FILES = tuple(MAX_BYTES)
"""What is downloaded and uploaded of a folder; anything else stays where it is."""

MESSAGE = "A skimrnn model"
"""Of a commit, unless told otherwise."""

INSTALL = "pip install 'skimrnn[hub]'"

_NAME = re.compile(r"([a-zA-Z0-9][\w.-]*/[\w.-]+)(?:@([\w./-]+))?", re.ASCII)


class HubError(OSError):
    """A model that the hub does not give or take: one sentence that says what to do."""


def folder_of(name: str | os.PathLike[str], **options: Any) -> Path:
    """The folder that a path stands for, or, if there is none, a name on the hub.

    Args:
        name: a path; or, as a str, ``"org/name"`` or ``"org/name@revision"``, a branch, tag or
            commit of it. A path object is never looked for on the hub.
        **options: as for ``download``.

    Raises:
        HubError: if it is no folder but might be a name on the hub, which does not give it.
    """
    if isinstance(name, str) and not os.path.lexists(name) and _NAME.fullmatch(name):
        return download(name, **options)
    return Path(name)


def download(
    name: str,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> Path:
    """The folder, in the hub's cache on this machine, of a model on the hub.

    Args:
        name: "org/name" or "org/name@revision".
        revision: branch, tag or commit, if it is not in the name; "main" if None.
        token: to log in with; what ``hf auth login`` stored if None.
        cache_dir: where to keep it; the package's own place if None.
        force_download: whether to download what is there already.
        local_files_only: whether to look in the cache alone.

    Raises:
        HubError: if it cannot be had.
    """
    hub = _package(f"{name} is no folder here, and to look for it on the hub")
    found = _NAME.fullmatch(name)
    if not found:
        raise HubError(f'a model on the hub is "org/name" or "org/name@revision"; got {name!r}')
    repository, at = found[1], revision or found[2]
    try:
        folder = Path(
            hub.snapshot_download(
                repository,
                revision=at,
                allow_patterns=list(FILES),
                token=token,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                library_name="skimrnn",
                library_version=__version__,
            )
        )
    except Exception as error:  # whatever the network, the hub or the package raises
        raise HubError(_explained(hub, error, repository, at)) from error
    if not (folder / "config.json").exists():
        raise HubError(f"{repository} on the hub has no config.json, so it is not a skimrnn model")
    return folder


def upload(
    folder: str | os.PathLike[str],
    name: str,
    *,
    message: str = MESSAGE,
    private: bool | None = None,
    token: str | bool | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
) -> str:
    """Put a model folder on the hub, in one commit; the repository is made if there is none.

    Args:
        folder: the folder.
        name: "org/name".
        message: of the commit.
        private: whether a new repository is private; as the owner's settings say if None.
        token: to log in with; what ``hf auth login`` stored if None.
        branch: to commit to; "main" if None.
        create_pr: whether to propose the commit instead of making it.

    Returns:
        The address of the commit.

    Raises:
        ModelFileError: if it is no model folder, or a damaged one; the hub is not asked then.
        HubError: if the hub does not take it.
    """
    hub = _package("to upload a model")
    _check(Path(folder))
    api = hub.HfApi(token=token, library_name="skimrnn", library_version=__version__)
    try:
        made = api.create_repo(name, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=made.repo_id,
            folder_path=os.fspath(folder),
            allow_patterns=list(FILES),
            commit_message=message,
            revision=branch,
            create_pr=create_pr,
        )
    except Exception as error:  # whatever the network, the hub or the package raises
        status = getattr(getattr(error, "response", None), "status_code", None)
        may_not = status in (401, 403) or isinstance(error, hub.errors.LocalTokenNotFoundError)
        what = "log in with: hf auth login" if may_not else "try again with the network up"
        raise HubError(f"{name} could not be uploaded ({_first_line(error)}); {what}") from error
    return str(getattr(commit, "commit_url", commit))


def _check(folder: Path) -> None:
    """Refuse to publish what nobody could load."""
    values = open_folder(folder, [])
    read = read_answerer if values and values.get("kind") == KIND else read_model
    read(folder)


def _package(purpose: str) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise HubError(
            f"{purpose} needs the package huggingface_hub; install it with: {INSTALL}"
        ) from error
    return huggingface_hub


def _explained(hub: Any, error: Exception, repository: str, revision: str | None) -> str:
    """What a person should know and do about an error of the package."""
    errors, where = hub.errors, f"{repository} is no folder here"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repository} on the hub has no branch, tag or commit {revision!r}"
    if isinstance(error, errors.RepositoryNotFoundError):  # a gated one as well
        return (
            f"{where}, and the hub has no such model, or shows it to its owners alone: check the "
            "name, or log in with: hf auth login"
        )
    if hub.constants.HF_HUB_OFFLINE:
        return (
            f"{where} and not in the hub's cache, and HF_HUB_OFFLINE forbids to ask the hub: unset "
            "it, or give the path of a model folder"
        )
    return (
        f"{where}, and it could not be had from the hub ({_first_line(error)}): try again with the "
        "network up, or give the path of a model folder"
    )


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".: ")
    return f"{type(error).__name__}: {line}"
