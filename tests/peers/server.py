"""A WebSocket server on Python's websockets, for the whole-system tests: echoes, and does what a text beginning with "!"
asks. What it can be asked stands in tests/system/foreign.rs. With --ping it pings each connection every so many seconds, and
drops those that do not answer within five; with the file of a certificate and its key it speaks TLS."""

import argparse
import asyncio
import ssl

from websockets.asyncio.server import serve

LONGEST = 16 << 20

parser = argparse.ArgumentParser()
parser.add_argument("--ping", type=float, metavar="SECONDS")
parser.add_argument("--tls", metavar="FILE")
options = parser.parse_args()
pings = {"ping_interval": options.ping, "ping_timeout": 5} if options.ping else {}
tls = None
if options.tls:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.tls)


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
    async with serve(talk, "127.0.0.1", 0, max_size=LONGEST, ssl=tls, **pings) as server:
        _, port = server.sockets[0].getsockname()
        print(f"listening on ws://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main())
