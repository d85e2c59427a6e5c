"""A stand-in for Genesys Cloud's notification service, for the recipe in docs/recipes, which says what of it is known and what is
assumed: a token by client credentials, channels and subscriptions over REST, sockets with heartbeats, the notice before one is
closed, and quotas for requests and for upgrades. An agent's presence is the one topic that says something."""

import argparse
import asyncio
import base64
import binascii
import math
import time
import uuid

from aiohttp import web

parser = argparse.ArgumentParser()
parser.add_argument("--allowed", type=int, default=300, help="requests of a token in a window")
parser.add_argument("--upgrades", type=int, default=50, help="upgrades of all in a window")
parser.add_argument("--window", type=float, default=60, help="its length in seconds")
parser.add_argument("--beat", type=float, default=30, help="seconds between heartbeats")
parser.add_argument("--life", type=float, default=86400, help="seconds until a socket's closing is told")
parser.add_argument("--notice", type=float, default=60, help="seconds from there until it is closed")
options = parser.parse_args()

CHANNELS_OF_A_TOKEN = 20


class Quota:
    """So many in each window, which the clock begins; refusals count."""

    def __init__(self, allowed):
        self.allowed, self.count, self.window = allowed, 0, 0

    def headers(self):
        now = time.time()
        window = int(now / options.window)
        if window != self.window:
            self.window, self.count = window, 0
        self.count += 1
        left = math.ceil((window + 1) * options.window - now)
        told = {"inin-ratelimit-count": self.count, "inin-ratelimit-allowed": self.allowed, "inin-ratelimit-reset": left}
        return {name: str(value) for name, value in told.items()}

    def refusal(self, headers):
        if self.count <= self.allowed:
            return None
        text = "Rate limit exceeded the maximum. Retry the request in [{}] seconds".format(headers["inin-ratelimit-reset"])
        body = {"message": text, "code": "too.many.requests", "status": 429}
        return web.json_response(body, status=429, headers=headers)


class Channel:
    def __init__(self, address):
        self.id = "streaming-0-" + uuid.uuid4().hex[:26]
        self.address = f"ws://{address}/channels/{self.id}"
        self.topics = []
        self.socket = None


tokens = {}
channels = {}
upgrades = Quota(options.upgrades)


def event(topic, body, **more):
    return {"topicName": topic, "eventBody": body, **more}


async def token(request):
    """RFC 6749, section 4.4, the client's id and secret by Basic."""
    form = await request.post()
    try:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        client, _, secret = base64.b64decode(text).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        kind = client = secret = ""
    if kind != "Basic" or not client or not secret:
        return web.json_response({"error": "invalid_client"}, status=401)
    if form.get("grant_type") != "client_credentials":
        return web.json_response({"error": "unsupported_grant_type"}, status=400)
    new = uuid.uuid4().hex
    tokens[new] = Quota(options.allowed)
    return web.json_response({"access_token": new, "token_type": "bearer", "expires_in": 86399})


@web.middleware
async def api(request, handler):
    if not request.path.startswith("/api/"):
        return await handler(request)
    request["token"] = request.headers.get("Authorization", "").removeprefix("Bearer ")
    quota = tokens.get(request["token"])
    if quota is None:
        return web.json_response({"code": "bad.credentials", "status": 401}, status=401)
    headers = quota.headers()
    refusal = quota.refusal(headers)
    if refusal is not None:
        return refusal
    answer = await handler(request)
    answer.headers.update(headers)
    return answer


async def create(request):
    own = [id for id, (owner, _) in channels.items() if owner == request["token"]]
    if len(own) >= CHANNELS_OF_A_TOKEN:
        _, oldest = channels.pop(own[0])
        if oldest.socket is not None:
            await oldest.socket.close()
    channel = Channel(request.host)
    channels[channel.id] = (request["token"], channel)
    expires = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 86400))
    return web.json_response({"connectUri": channel.address, "id": channel.id, "expires": expires})


async def subscribe(request):
    """Replaces what was subscribed."""
    owner, channel = channels.get(request.match_info["channel"], (None, None))
    if owner != request["token"]:
        return web.json_response({"code": "not.found", "status": 404}, status=404)
    channel.topics = [topic["id"] for topic in await request.json()]
    return web.json_response({"entities": [{"id": topic} for topic in channel.topics]})


async def presence(request):
    user = request.match_info["user"]
    body = {"source": "PURECLOUD", "presenceDefinition": (await request.json())["presenceDefinition"]}
    topic = f"v2.users.{user}.presence"
    for _, channel in list(channels.values()):
        if topic in channel.topics and channel.socket is not None and not channel.socket.closed:
            await channel.socket.send_json(event(topic, body, version="2", metadata={"CorrelationId": str(uuid.uuid4())}))
    return web.json_response({"id": user, **body})


async def beat(socket):
    while True:
        await asyncio.sleep(options.beat)
        await socket.send_json(event("channel.metadata", {"message": "WebSocket Heartbeat"}))


async def end(socket):
    await asyncio.sleep(options.life)
    await socket.send_json(event("v2.system.socket_closing", {"message": "The WebSocket is going to be closed"}))
    await asyncio.sleep(options.notice)
    await socket.close(code=1001, message=b"maintenance")


async def talk(request):
    headers = upgrades.headers()
    refusal = upgrades.refusal(headers)
    if refusal is not None:
        return refusal
    if request.match_info["channel"] not in channels:
        return web.Response(status=404)
    _, channel = channels[request.match_info["channel"]]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    # A channel has one socket: the new one gets what comes from now on, and the old one ends.
    old, channel.socket = channel.socket, socket
    ends = [asyncio.create_task(job(socket)) for job in (beat, end)]
    if old is not None:
        ends.append(asyncio.create_task(old.close()))
    try:
        async for message in socket:
            if message.type == web.WSMsgType.TEXT and message.json().get("message") == "ping":
                await socket.send_json(event("channel.metadata", {"message": "pong"}))
    finally:
        for task in ends:
            task.cancel()
    return socket


async def main():
    application = web.Application(middlewares=[api])
    application.add_routes(
        [
            web.post("/oauth/token", token),
            web.post("/api/v2/notifications/channels", create),
            web.put("/api/v2/notifications/channels/{channel}/subscriptions", subscribe),
            web.patch("/api/v2/users/{user}/presences/PURECLOUD", presence),
            web.get("/channels/{channel}", talk),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("listening on ws://{}:{}".format(*runner.addresses[0]), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
