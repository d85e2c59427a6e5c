"""A WebSocket server on Python's websockets, for the whole-system tests: echoes, and does what a text beginning with "!"
asks. What it can be asked stands in tests/system/foreign.rs. With an argument it pings each connection every so many seconds,
and drops those that do not answer within five."""

import asyncio
import sys

from websockets.asyncio.server import serve

LONGEST = 16 << 20
PINGS = {"ping_interval": float(sys.argv[1]), "ping_timeout": 5} if sys.argv[1:] else {}


async def talk(socket):
    async for message in socket:
        word, _, rest = message.partition(" ") if isinstance(message, str) else ("", "", "")
        if word == "!ping":
            await (await socket.ping(rest))
            await socket.send("pong " + rest)
        elif word == "!fragments":
            await socket.send(iter([rest, " and ", rest]))
        elif word == "!compression":
            await socket.send("on" if socket.protocol.extensions else "off")
        elif word == "!close":
            code, _, reason = rest.partition(" ")
            await socket.close(int(code), reason)
        else:
            await socket.send(message)


async def main():
    async with serve(talk, "127.0.0.1", 0, max_size=LONGEST, **PINGS) as server:
        _, port = server.sockets[0].getsockname()
        print(f"listening on ws://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main())
