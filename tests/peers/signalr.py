"""A SignalR hub on aiosignalr, for the recipe in docs/recipes: /hub, for users with a token. What it offers stands in
docs/recipes.md. It sends JSON as text messages, as ASP.NET Core does."""

import asyncio

from aiohttp import web
from aiosignalr.server import Hub, ServerOptions, SignalRServer
from aiosignalr.server.http_iface import ServerSocket

# Pings so often that a test sees several; a user who says nothing for so long is dropped.
BEAT = 0.3
LATE = 3.0


class Desk(Hub):
    async def join(self, room: str) -> str:
        await self.groups.add(room)
        return f"in {room}"

    async def add(self, one: int, other: int) -> int:
        return one + other

    async def say(self, room: str, text: str) -> None:
        await self.clients.group(room).send("said", room, text)

    async def count(self, down_from: int):
        for left in range(down_from, 0, -1):
            yield left


class TextSocket(ServerSocket):
    def __init__(self, socket):
        self.socket = socket

    async def recv(self):
        message = await self.socket.receive()
        return ("text", message.data.encode()) if message.type == web.WSMsgType.TEXT else None

    async def send_bytes(self, data):
        await self.socket.send_str(data.decode())

    async def close(self, code=1000, reason=""):
        await self.socket.close(code=code, message=reason.encode())


server = SignalRServer(Desk, options=ServerOptions(keep_alive_interval=BEAT, client_timeout_interval=LATE))


def has_token(request):
    """In a header, or where a browser has to put it: in the socket's address."""
    return request.headers.get("Authorization", "").startswith("Bearer ") or "access_token" in request.query


async def negotiate(request):
    if not has_token(request):
        return web.Response(status=401)
    return web.json_response(await server.handle_negotiate(request))


async def talk(request):
    if not has_token(request):
        return web.Response(status=401)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await server.handle_websocket(request, TextSocket(socket))
    return socket


async def main():
    application = web.Application()
    application.add_routes([web.post("/hub/negotiate", negotiate), web.get("/hub", talk)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("listening on ws://{}:{}".format(*runner.addresses[0]), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
