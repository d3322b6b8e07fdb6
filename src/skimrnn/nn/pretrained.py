"""``save_pretrained``, ``push_to_hub`` and ``from_pretrained``, by the public hub's own mixin.

Where the package is installed, what has these methods is a ``PyTorchModelHubMixin``, which other
tools know. The methods themselves are our own, with its names and arguments: its own fill a folder
in place, after removing its config.json, where ours appear whole or not at all, and hand the keys
of config.json to the constructor. These write and read the folder that ``skimrnn.load`` reads.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Self

from torch import nn

from skimrnn import hub

_Mixin: Any
try:
    from huggingface_hub import PyTorchModelHubMixin as _Mixin
except ImportError:  # it is needed to push and download alone
    _Mixin = object


class Pretrained(_Mixin):  # type: ignore[misc]  # a base that may be absent
    """What a skimming layer and a text classifier share with the modules of the hub."""

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        training: dict[str, Any] | None = None,
        card: str = "",
        **push_to_hub_kwargs: Any,
    ) -> str | None:
        """Save as a model folder, which ``skimrnn.load`` reads, and push it if asked to.

        Args:
            save_directory: where; an older model there is replaced.
            repo_id: "org/name" to push to; the folder's name if None.
            push_to_hub: whether to push.
            training: how it was trained, JSON values.
            card: the model card, Markdown.
            **push_to_hub_kwargs: as for ``push_to_hub``.

        Returns:
            The address of the commit if it was pushed.

        Raises:
            ValueError: as ``skimrnn.nn.save``; a classifier needs ``vocabulary`` and ``labels``.
            HubError: if it cannot be pushed; it has been saved then.
            OSError: if it cannot be written.
        """
        from skimrnn.nn.saving import save

        assert isinstance(self, nn.Module)
        save(self, save_directory, training=training, card=card)
        if not push_to_hub:
            return None
        return _pushed(save_directory, repo_id or Path(save_directory).name, **push_to_hub_kwargs)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = hub.MESSAGE,
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool | None = None,
        training: dict[str, Any] | None = None,
        card: str = "",
    ) -> str:
        """Put the model folder on the public hub, in one commit.

        Args:
            repo_id: "org/name"; it is made if there is none.
            commit_message: of the commit.
            private: whether a new repository is private; as the owner's settings say if None.
            token: to log in with; what ``hf auth login`` stored if None.
            branch: to commit to; "main" if None.
            create_pr: whether to propose the commit instead of making it.
            training: how it was trained, JSON values.
            card: the model card, Markdown.

        Returns:
            The address of the commit.

        Raises:
            ValueError: as ``skimrnn.nn.save``.
            HubError: if the hub does not take it.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(Path(folder, "model"), training=training, card=card)
            return _pushed(
                Path(folder, "model"),
                repo_id,
                commit_message=commit_message,
                private=private,
                token=token,
                branch=branch,
                create_pr=create_pr,
            )

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
    ) -> Self:
        """The module that a model folder holds, in ``eval()``; of a classifier also its layers.

        Args:
            pretrained_model_name_or_path: a folder here, or else "org/name" on the public hub.
            force_download: whether to download what is there already.
            token: to log in with; what ``hf auth login`` stored if None.
            cache_dir: where to keep what is downloaded; the package's own place if None.
            local_files_only: whether to look in the cache alone.
            revision: branch, tag or commit; "main" if None.

        Raises:
            HubError: if it is no folder here and the hub does not give it.
            ModelFileError: if the folder cannot be read.
            TypeError: if it holds another kind of module than this class.
        """
        from skimrnn.nn.saving import load

        named = pretrained_model_name_or_path
        folder = hub.folder_of(
            named,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
        )
        found = load(folder)
        module = found if isinstance(found, cls) else getattr(found, "rnn", found)
        if not isinstance(module, cls):
            raise TypeError(
                f"{named} holds a {type(found).__name__}, not a {cls.__name__}; load it with "
                f"{type(found).__name__}.from_pretrained"
            )
        return module


def _pushed(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    commit_message: str = hub.MESSAGE,
    **options: Any,
) -> str:
    return hub.upload(folder, repo_id, message=commit_message, **options)
