// Servers of protocols over WebSocket on one port, for the recipes in docs/recipes: Socket.IO, GraphQL (graphql-transport-ws), MQTT,
// JSON-RPC 2.0. What they answer stands in docs/recipes.md. The argument is a folder with the packages.

"use strict";

const { randomUUID } = require("crypto");
const http = require("http");
const { createRequire } = require("module");
const path = require("path");
const { Duplex } = require("stream");

const from = createRequire(path.join(process.argv[2], "any.js"));
const { Server } = from("socket.io");
const { WebSocketServer } = from("ws");
const { useServer } = from("graphql-ws/use/ws");
const { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } = from("graphql");

// Heartbeats so often that a test sees several; who answers none is dropped.
const BEAT = 300;
const LATE = 3000;

const listener = http.createServer();
const io = new Server(listener, { pingInterval: BEAT, pingTimeout: LATE, transports: ["websocket"], destroyUpgrade: false });

io.use((socket, next) => next(socket.handshake.auth.token ? undefined : new Error("no token")));
io.on("connection", (socket) => {
  socket.on("join", (room, answer) => {
    socket.data = { room, ticket: randomUUID() };
    answer({ ok: true, ticket: socket.data.ticket });
  });
  socket.on("say", ({ ticket, text }) => {
    if (ticket === socket.data.ticket) {
      socket.emit("said", { room: socket.data.room, text });
    }
  });
  socket.on("picture", (bytes) => socket.emit("picture", bytes));
});

async function* countdown(_, { from }) {
  for (let left = from; left > 0; left--) {
    yield { countdown: left };
  }
}

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: { hello: { type: GraphQLString, resolve: () => "world" } },
  }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: { countdown: { type: GraphQLInt, args: { from: { type: GraphQLInt } }, subscribe: countdown } },
  }),
});
const graphql = new WebSocketServer({ noServer: true, handleProtocols: () => "graphql-transport-ws" });
const onConnect = ({ connectionParams }) => Boolean(connectionParams && connectionParams.token);
useServer({ schema, onConnect }, graphql);

// Its own heartbeat, which a client has to answer in time.
graphql.on("connection", (socket) => {
  let answered = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - answered > LATE) socket.close(4408, "no pong");
    socket.send('{"type":"ping"}');
  }, BEAT);
  socket.on("message", (data) => {
    if (JSON.parse(data).type === "pong") answered = Date.now();
  });
  socket.on("close", () => clearInterval(timer));
});

const mqtt = new WebSocketServer({ noServer: true, handleProtocols: () => "mqtt" });

// A message for each packet, as brokers send them, which the broker writes in pieces.
function packets(socket) {
  const stream = new Duplex({
    read() {},
    write: (piece, _, done) => socket.send(piece, done),
    writev: (pieces, done) => socket.send(Buffer.concat(pieces.map((piece) => piece.chunk)), done),
    destroy: (error, done) => done(error, socket.close()),
  });
  socket.on("message", (data) => stream.push(data));
  socket.on("close", () => stream.destroy());
  return stream;
}

const { Server: Rpc } = from("rpc-websockets");
const rpc = new Rpc({ noServer: true });
rpc.setAuth(({ token }) => Boolean(token), "/rpc");
rpc.register("sum", (numbers) => numbers.reduce((sum, number) => sum + number, 0), "/rpc").protected();

const servers = { "/graphql": graphql, "/mqtt": mqtt, "/rpc": rpc.wss };
listener.on("upgrade", (request, socket, head) => {
  const server = servers[request.url];
  server?.handleUpgrade(request, socket, head, (opened) => server.emit("connection", opened, request));
});
import(from.resolve("aedes"))
  .then(({ Aedes }) => Aedes.createBroker())
  .then((broker) => mqtt.on("connection", (socket, request) => broker.handle(packets(socket), request)));
listener.listen(0, "127.0.0.1", () => console.log(`listening on ws://127.0.0.1:${listener.address().port}`));
