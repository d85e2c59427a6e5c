package io.github.wsbackoff;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSocket;

/** A server on loopback that answers the nth upgrade with the nth of its answers, then accepts. */
public final class RawServer implements Closeable {
  /** In an answer's place: accept the upgrade. */
  public static final String ACCEPT = "accept";

  /** Begins an answer: accept the upgrade, with these header lines. */
  public static final String ACCEPT_WITH = "accept\n";

  /** In an answer's place: accept a CONNECT, and then the upgrade that comes through it. */
  public static final String TUNNEL = "tunnel";

  /** In an answer's place: say nothing. */
  public static final String SILENCE = "silence";

  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final Pattern KEY = Pattern.compile("(?i)sec-websocket-key:\\s*(\\S+)");

  /** First byte of a whole text message. */
  public static final int TEXT = 0x81;

  /** First byte of a whole binary message. */
  public static final int BINARY = 0x82;

  /** First byte of a close. */
  public static final int CLOSE = 0x88;

  private static final int PING = 0x89;
  private static final int PONG = 0x8a;

  private final ServerSocket listener;
  private final List<String> answers;
  private final AtomicInteger next = new AtomicInteger();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final List<Integer> closeCodes = new CopyOnWriteArrayList<>();
  private final List<String> messages = new CopyOnWriteArrayList<>();
  private final List<String> certificates = new CopyOnWriteArrayList<>();
  private final String scheme;
  private volatile boolean silent;

  /** Starts; an answer is a whole HTTP response, or one of the words above. */
  public RawServer(String... answers) throws IOException {
    this("ws", ServerSocketFactory.getDefault(), answers);
  }

  /** Starts on sockets of this kind. */
  public RawServer(String scheme, ServerSocketFactory kind, String... answers) throws IOException {
    this(scheme, bind(kind), Arrays.asList(answers));
  }

  private RawServer(String scheme, ServerSocket listener, List<String> answers) {
    this.answers = answers;
    this.scheme = scheme;
    this.listener = listener;
    background(this::listen);
  }

  /** Starts on TLS sockets, and takes only clients that show a certificate. */
  public static RawServer needsCertificate(SSLServerSocketFactory kind) throws IOException {
    SSLServerSocket listener = (SSLServerSocket) bind(kind);
    // Before the first accept: a socket takes over the settings when accept begins to wait for it.
    listener.setNeedClientAuth(true);
    return new RawServer("wss", listener, Collections.emptyList());
  }

  private static ServerSocket bind(ServerSocketFactory kind) throws IOException {
    return kind.createServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
  }

  /** Text and binary messages are no longer echoed, pings no longer answered. */
  public RawServer silent() {
    silent = true;
    return this;
  }

  /** A refusal in HTTP. */
  public static String refusal(int status, String reason, String headers, String body) {
    return "HTTP/1.1 "
        + status
        + " "
        + reason
        + "\r\n"
        + headers
        + "Content-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  /** Its address with this path. */
  public String url(String path) {
    return scheme + "://127.0.0.1:" + listener.getLocalPort() + path;
  }

  /** Request heads so far. */
  public List<String> heads() {
    return heads;
  }

  /** Messages and pings that clients sent so far: opcode in hex, then the payload as text. */
  public List<String> messages() {
    return messages;
  }

  /** Names in the certificates that clients showed. */
  public List<String> certificates() {
    return certificates;
  }

  /** Sends a frame to every client. */
  public void push(int first, String payload) throws IOException {
    for (Socket socket : sockets) {
      frame(socket, first, payload.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** Ends every connection without a word. */
  public void drop() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
  }

  /** Codes of the close frames that clients sent so far. */
  public List<Integer> closeCodes() {
    return closeCodes;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }

  private void listen() {
    try {
      while (true) {
        Socket socket = listener.accept();
        sockets.add(socket);
        background(() -> serve(socket));
      }
    } catch (IOException e) {
      // Closed: the test is over.
    }
  }

  private void serve(Socket socket) {
    try (Socket s = socket) {
      String head = readHead(s.getInputStream());
      heads.add(head);
      if (s instanceof SSLSocket) {
        certificates.add(((SSLSocket) s).getSession().getPeerPrincipal().getName());
      }
      int n = next.getAndIncrement();
      String answer = n < answers.size() ? answers.get(n) : ACCEPT;
      if (answer.equals(SILENCE)) {
        s.getInputStream().read();
      } else if (answer.equals(TUNNEL)) {
        send(s, "HTTP/1.1 200 Connected\r\n\r\n");
        String through = readHead(s.getInputStream());
        heads.add(through);
        send(s, accept(through, ""));
        readFrames(s);
      } else if (answer.equals(ACCEPT) || answer.startsWith(ACCEPT_WITH)) {
        String more = answer.equals(ACCEPT) ? "" : answer.substring(ACCEPT_WITH.length());
        send(s, accept(head, more));
        readFrames(s);
      } else {
        send(s, answer);
      }
    } catch (IOException e) {
      // The client went away.
    }
  }

  private void readFrames(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    while (true) {
      int first = in.read();
      if (first < 0) {
        return;
      }
      byte[] payload = readPayload(in);
      if (first == CLOSE) {
        int length = payload.length;
        closeCodes.add(length < 2 ? 1005 : (payload[0] & 0xff) << 8 | payload[1] & 0xff);
        if (silent) {
          continue;
        }
        frame(socket, CLOSE, payload);
        return;
      }
      messages.add(
          Integer.toHexString(first) + " " + new String(payload, StandardCharsets.ISO_8859_1));
      if (!silent && first == PING) {
        frame(socket, PONG, payload);
      } else if (!silent && (first == TEXT || first == BINARY)) {
        frame(socket, first, payload);
      }
    }
  }

  private static byte[] readPayload(InputStream in) throws IOException {
    int length = in.read() & 0x7f;
    int more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
      length = new BigInteger(1, readExactly(in, more)).intValue();
    }
    byte[] mask = readExactly(in, 4);
    byte[] payload = readExactly(in, length);
    for (int i = 0; i < length; i++) {
      payload[i] ^= mask[i % 4];
    }
    return payload;
  }

  private static void frame(Socket socket, int first, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(frame);
    out.write(first);
    if (payload.length < 126) {
      out.write(payload.length);
    } else if (payload.length < 65536) {
      out.write(126);
      out.writeShort(payload.length);
    } else {
      out.write(127);
      out.writeLong(payload.length);
    }
    out.write(payload);
    synchronized (socket) {
      socket.getOutputStream().write(frame.toByteArray());
    }
  }

  private static String readHead(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int b = in.read();
      if (b < 0) {
        throw new IOException("end of stream");
      }
      head.append((char) b);
    }
    return head.toString();
  }

  private static byte[] readExactly(InputStream in, int count) throws IOException {
    byte[] bytes = new byte[count];
    for (int done = 0; done < count; ) {
      int n = in.read(bytes, done, count - done);
      if (n < 0) {
        throw new IOException("end of stream");
      }
      done += n;
    }
    return bytes;
  }

  private static String accept(String head, String headers) throws IOException {
    Matcher key = KEY.matcher(head);
    if (!key.find()) {
      throw new IOException("no key in " + head);
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest((key.group(1) + GUID).getBytes(StandardCharsets.US_ASCII));
      return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "X-Served-By: raw\r\n"
          + headers
          + "Sec-WebSocket-Accept: "
          + Base64.getEncoder().encodeToString(digest)
          + "\r\n\r\n";
    } catch (NoSuchAlgorithmException e) {
      throw new IOException(e);
    }
  }

  private static void send(Socket socket, String text) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  private static void background(Runnable work) {
    Thread thread = new Thread(work, "raw-server");
    thread.setDaemon(true);
    thread.start();
  }
}
