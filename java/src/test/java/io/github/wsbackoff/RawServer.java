package io.github.wsbackoff;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server on loopback that answers the nth upgrade with the nth of its answers, then accepts. */
public final class RawServer implements Closeable {
  /** In an answer's place: accept the upgrade. */
  public static final String ACCEPT = "accept";

  /** In an answer's place: say nothing. */
  public static final String SILENCE = "silence";

  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final Pattern KEY = Pattern.compile("(?i)sec-websocket-key:\\s*(\\S+)");
  private static final int CLOSE = 0x88;

  private final ServerSocket listener;
  private final List<String> answers;
  private final AtomicInteger next = new AtomicInteger();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final List<Integer> closeCodes = new CopyOnWriteArrayList<>();

  /** Starts; an answer is a whole HTTP response, or one of the words above. */
  public RawServer(String... answers) throws IOException {
    this.answers = Arrays.asList(answers);
    listener = new ServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
    background(this::listen);
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
    return "ws://127.0.0.1:" + listener.getLocalPort() + path;
  }

  /** Request heads so far. */
  public List<String> heads() {
    return heads;
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
      int n = next.getAndIncrement();
      String answer = n < answers.size() ? answers.get(n) : ACCEPT;
      if (answer.equals(SILENCE)) {
        s.getInputStream().read();
      } else if (answer.equals(ACCEPT)) {
        send(s, accept(head));
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
      int length = in.read() & 0x7f;
      if (first < 0 || length > 125) {
        return;
      }
      byte[] mask = readExactly(in, 4);
      byte[] payload = readExactly(in, length);
      for (int i = 0; i < length; i++) {
        payload[i] ^= mask[i % 4];
      }
      if (first == CLOSE) {
        closeCodes.add(length < 2 ? 1005 : (payload[0] & 0xff) << 8 | payload[1] & 0xff);
        ByteArrayOutputStream echo = new ByteArrayOutputStream();
        echo.write(CLOSE);
        echo.write(length);
        echo.write(payload);
        socket.getOutputStream().write(echo.toByteArray());
        return;
      }
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

  private static String accept(String head) throws IOException {
    Matcher key = KEY.matcher(head);
    if (!key.find()) {
      throw new IOException("no key in " + head);
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest((key.group(1) + GUID).getBytes(StandardCharsets.US_ASCII));
      return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "X-Served-By: raw\r\nSec-WebSocket-Accept: "
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
