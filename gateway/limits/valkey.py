"""Buckets in Valkey: one script a key, all keys of an asking in one pipeline. The server's clock counts."""

from collections.abc import Sequence
from typing import Final

import valkey.asyncio
from valkey.exceptions import ValkeyError

from gateway.limits.models import Ask, Grant
from gateway.limits.ports import StoreAway

PREFIX: Final = "suishen:limit:"

# The same steps as `gateway.limits.models.take`; numbers are exact up to 2^53 microseconds, the year 2255.
TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local start = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local granted = math.max(0, math.min(wanted, math.floor((now + burst * interval - start) / interval)))
if granted > 0 then
  local arrival = start + granted * interval
  redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
  return {granted, 0}
end
return {0, start - now - (burst - 1) * interval}
"""


class ValkeyBuckets:
    """The store of a city with several nodes. `url` is `valkey://host:port/0`, `valkeys://` over TLS, or `unix://`."""

    def __init__(self, url: str) -> None:
        self._client: valkey.asyncio.Valkey = valkey.asyncio.Valkey.from_url(url, socket_connect_timeout=0.1)
        self._take = self._client.register_script(TAKE)

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        """As `Store.take`."""
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                for ask in asks:
                    arguments = [ask.limit.interval_us, ask.limit.burst, ask.wanted]
                    await self._take(keys=[PREFIX + ask.key], args=arguments, client=pipeline)
                answers = await pipeline.execute()
        except (ValkeyError, OSError) as error:
            raise StoreAway from error
        return [Grant(granted=granted, wait_seconds=max(0, wait) / 1_000_000) for granted, wait in answers]

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.aclose()
