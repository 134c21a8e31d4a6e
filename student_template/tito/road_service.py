"""The road of the course's service: `https://...`, with your token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tito import tokens
from tito.line import Server
from tito.package import Source
from tito.parcel import Parcel, Receipt, now, receipt
from tito.service import Service


class ServiceRoad:
    """Hand in over HTTPS; what cannot be sent now is kept."""

    keeps = True

    def __init__(self, project: Path, server: Server) -> None:
        self.to = server.url
        self._project, self._server = project, server

    def prepare(self, sources: Sequence[Source]) -> str:
        """See that there is a token."""
        tokens.find(self._project)
        return ""

    def hand_in(self, parcel: Parcel) -> Receipt:
        service = Service(self._server, tokens.find(self._project))
        got = service.submit(parcel.data, round_=parcel.round_, digest=parcel.digest)
        made = receipt(parcel, got.id, new=got.new, place=got.page)
        return replace(made, answer=got.facts(), asked_at=now())
