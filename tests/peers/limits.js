// A WebSocket server behind express-rate-limit: 40 in 5 s from the first one on, for all clients together. The arguments are the
// folder of the packages, and "headers" or "silent": whether a refusal says when to come back.

"use strict";

const http = require("http");
const { createRequire } = require("module");

const [folder, headers] = process.argv.slice(2);
const installed = createRequire(`${folder}/`);
const express = installed("express");
const { rateLimit } = installed("express-rate-limit");
const { WebSocketServer } = installed("ws");

const sockets = new WebSocketServer({ noServer: true });
const told = headers === "headers";
const app = express();
app.use(
  rateLimit({
    windowMs: 5000,
    limit: 40,
    standardHeaders: told ? "draft-8" : false,
    legacyHeaders: false,
    keyGenerator: () => "all",
  }),
);
app.use((request) => {
  const { socket } = request;
  request.res.detachSocket(socket);
  sockets.handleUpgrade(request, socket, request.head, (open) => open.on("error", () => {}));
});

const server = http.createServer();
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => {});
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on("finish", () => socket.end());
  request.head = head;
  app(request, response);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
