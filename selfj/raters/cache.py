"""Replies of endpoints, kept by content: the same question to the same model costs nothing the second time."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from selfj.raters.replies import Reply, Token
from selfj.store import Store


class ReplyCache:
    """One file for each reply, named by a hash of what was sent (model, messages, parameters: not the endpoint's address).

    Files are whole or absent and two writers of one file write the same, so any number of workers may share a folder, on any
    file system that a run may lie on.
    """

    def __init__(self, address: str) -> None:
        self.store = Store(address)

    def find(self, request: Mapping[str, Any]) -> Reply | None:
        """The reply to this request, if there was one."""
        try:
            values = json.loads(self.store.read(_name(request)))["reply"]
            tokens = [Token(text, [(str(other), float(logprob)) for other, logprob in near]) for text, near in values["tokens"]]
            return Reply(values["text"], values["refusal"], values["finish_reason"], tokens)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def keep(self, request: Mapping[str, Any], reply: Reply) -> None:
        """Keep a reply beside what was asked.

        Raises RunFolderError if the folder cannot be written.
        """
        tokens = [(token.text, token.alternatives) for token in reply.tokens]
        values = {"request": request, "reply": {**dataclasses.asdict(reply), "tokens": tokens}}
        self.store.write(_name(request), json.dumps(values, ensure_ascii=False, indent=1).encode())


def _name(request: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:]}.json"
