// A WebSocket server on Node's ws, for the whole-system tests: echoes, and does what a text beginning with "!" asks. What it
// can be asked stands in tests/system/foreign.rs. The argument is the folder of ws.

"use strict";

const { WebSocketServer } = require(process.argv[2]);

const LONGEST = 16 << 20;

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
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

server.on("listening", () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
