"""``/listening``: conversations that are listened to, as they go on (docs/protocols/asterisk.md).

Words of people are shown to who has the token, and to nobody without one.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import SecretStr

from server.listening import Conversation, Listening

__all__ = ["Overheard"]


class Overheard:
    """The routes. Without a `token` they show nothing."""

    def __init__(self, listening: Listening, token: SecretStr | None) -> None:
        self._listening = listening
        self._bearer = f"Bearer {token.get_secret_value()}".encode() if token else b""
        self.router = APIRouter()
        self.router.add_api_route("/listening", self._all, methods=["GET"])
        self.router.add_api_route("/listening/{name:path}", self._one, methods=["GET"])

    def _closed(self, request: Request) -> Response | None:
        if not self._bearer:
            return _no(403, "set PALABRE_LISTEN_TOKEN to follow conversations")
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(self._bearer, shown):
            return _no(401, "send Authorization: Bearer and PALABRE_LISTEN_TOKEN's value")
        return None

    async def _all(self, request: Request) -> Response:
        """Those under way, and who speaks how much in them."""
        if (closed := self._closed(request)) is not None:
            return closed
        listed = [
            {
                "name": one.name,
                "session": one.session_id,
                "sides": sorted(one.sides),
                "account": one.account(),
            }
            for one in self._listening.open.values()
        ]
        return JSONResponse({"conversations": listed})

    async def _one(self, request: Request, name: str) -> Response:
        """What was and is said in one, as server-sent events, to its end."""
        if (closed := self._closed(request)) is not None:
            return closed
        conversation = self._listening.open.get(name)
        if conversation is None:
            return _no(404, "no such conversation is under way; GET /listening has those that are")
        return StreamingResponse(_events(conversation), media_type="text/event-stream")


async def _events(conversation: Conversation) -> AsyncIterator[str]:
    feed = conversation.follow()
    try:
        async for entry in feed:
            yield f"data: {json.dumps(entry, ensure_ascii=False)}\n\n"
    finally:
        conversation.feeds.discard(feed)


def _no(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)
