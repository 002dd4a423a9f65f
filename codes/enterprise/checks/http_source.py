"""A register of a department over HTTP. Believes only a small, well-formed answer about the enterprise it asked for.

Connections are not kept: an answer can never belong to another question. Redirects are not followed.
"""

from datetime import UTC
from typing import Final

import httpx
import msgspec

from codes.enterprise.checks.ports import Question, SourceAnswer, SourceUnavailable

LONGEST_ANSWER: Final = 65_536


class HttpSource:
    """Asks `GET {url}/v1/enterprises/{credit_code}?scenario=N`."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def ask(self, question: Question) -> SourceAnswer:
        """What the register knows; raises `SourceUnavailable`."""
        try:
            body = await self._fetch(question)
            answer = msgspec.json.decode(body, type=SourceAnswer)
        except httpx.TimeoutException as error:
            raise SourceUnavailable(type(error).__name__, "deadline") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnavailable(type(error).__name__, "unreachable") from None
        except msgspec.DecodeError as error:
            raise SourceUnavailable(type(error).__name__) from None
        if answer.credit_code != question.credit_code:
            raise SourceUnavailable("another enterprise")
        if answer.as_of.tzinfo is None:
            raise SourceUnavailable("time without zone")
        return msgspec.structs.replace(answer, as_of=answer.as_of.astimezone(UTC))

    async def _fetch(self, question: Question) -> bytes:
        url = f"{self._url}/v1/enterprises/{question.credit_code}"
        headers = {"Accept": "application/json", "X-Request-Id": str(question.check_id)}
        params = {"scenario": question.scenario}
        async with self._client.stream("GET", url, headers=headers, params=params) as response:
            if response.status_code != httpx.codes.OK:
                raise SourceUnavailable(f"status {response.status_code}", "refused")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    raise SourceUnavailable("too long")
        return bytes(body)
