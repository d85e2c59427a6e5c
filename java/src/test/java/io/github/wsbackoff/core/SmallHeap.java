package io.github.wsbackoff.core;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.ReceiveSampler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import org.apache.jmeter.samplers.SampleResult;

/** A program for a JVM with little heap: receives a message that has no room in it. */
public final class SmallHeap {
  private static final int MESSAGE_BYTES = 144 << 20;

  private SmallHeap() {}

  /** Prints how the sample ended. */
  public static void main(String[] args) throws Exception {
    JMeterSetup.once();
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread server = new Thread(() -> serve(listener));
      server.setDaemon(true);
      server.start();
      ConnectSampler connect = new ConnectSampler();
      connect.setProperty("wsb.url", "ws://127.0.0.1:" + listener.getLocalPort());
      connect.setProperty("wsb.maxMessageSize", "150m");
      System.out.println(connect.sample(null).getResponseCode());
      SampleResult sample = new ReceiveSampler().sample(null);
      System.out.println(sample.getResponseCode() + " | " + sample.getResponseHeaders().trim());
      connect.threadFinished();
      connect.testEnded();
    }
  }

  private static void serve(ServerSocket listener) {
    try (Socket socket = listener.accept()) {
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        head.append((char) in.read());
      }
      String key = head.toString().replaceAll("(?is).*sec-websocket-key: *(\\S+).*", "$1");
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest(
                  (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
                      .getBytes(StandardCharsets.US_ASCII));
      OutputStream out = socket.getOutputStream();
      String answer =
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              + "Sec-WebSocket-Accept: "
              + Base64.getEncoder().encodeToString(digest)
              + "\r\n\r\n";
      out.write(answer.getBytes(StandardCharsets.US_ASCII));
      byte[] frame = {(byte) 0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0};
      for (int i = 0; i < 4; i++) {
        frame[6 + i] = (byte) (MESSAGE_BYTES >> 8 * (3 - i));
      }
      out.write(frame);
      byte[] chunk = new byte[64 * 1024];
      for (int sent = 0; sent < MESSAGE_BYTES; sent += chunk.length) {
        out.write(chunk);
      }
      in.read();
    } catch (IOException | java.security.GeneralSecurityException e) {
      System.out.println("server: " + e);
    }
  }
}
