// A WebSocket server on Node's ws, for the whole-system tests: echoes, and does what a text beginning with "!" asks. What it
// can be asked stands in tests/system/foreign.rs. The arguments are the folder of ws and, for TLS, the file of a certificate and
// its key.

"use strict";

const { readFileSync } = require("fs");
const http = require("http");
const https = require("https");

const [folder, tls] = process.argv.slice(2);
const { WebSocketServer } = require(folder);

const LONGEST = 16 << 20;

const both = tls && readFileSync(tls);
const listener = tls ? https.createServer({ cert: both, key: both }) : http.createServer();
const server = new WebSocketServer({
  server: listener,
  maxPayload: LONGEST,
  perMessageDeflate: { threshold: 0 },
});

server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    const text = isBinary ? "" : data.toString();
    const [word, ...parts] = text.split(" ");
    const rest = parts.join(" ");
    if (word === "!ping") {
      socket.once("pong", (payload) => socket.send("pong " + payload));
      socket.ping(rest);
    } else if (word === "!fragments") {
      socket.send(rest, { fin: false });
      socket.send(" and ", { fin: false });
      socket.send(rest, { fin: true });
    } else if (word === "!compression") {
      socket.send(socket.extensions.includes("permessage-deflate") ? "on" : "off");
    } else if (word === "!close") {
      socket.close(Number(parts[0]), parts.slice(1).join(" "));
    } else {
      socket.send(data, { binary: isBinary });
    }
  });
  socket.on("error", (error) => console.error(error.message));
});

listener.listen(0, "127.0.0.1", () => {
  console.log(`listening on ws://127.0.0.1:${listener.address().port}`);
});
