package io.github.wsbackoff.dsl;

import java.util.Arrays;
import us.abstracta.jmeter.javadsl.core.threadgroups.BaseThreadGroup.ThreadGroupChild;

/**
 * The elements of ws-backoff for the JMeter Java DSL, to be imported statically. Each has a method
 * for every property, called as the key is: {@code wsb.match.value} is {@code matchValue}; what is
 * not set is as <i>WebSocket Defaults (wsb)</i> in scope say, else as built in.
 */
public final class WsBackoffDsl {
  private WsBackoffDsl() {}

  /**
   * Opens a connection, with retries.
   *
   * @param url where to: ws, wss, http or https, or a part that the base URL completes
   * @return the element, to be set further
   */
  public static WsConnect wsConnect(String url) {
    return wsConnect("", url);
  }

  /**
   * Opens a connection, with retries.
   *
   * @param name the label of its samples
   * @param url where to: ws, wss, http or https, or a part that the base URL completes
   * @return the element, to be set further
   */
  public static WsConnect wsConnect(String name, String url) {
    return new WsConnect(name).url(url);
  }

  /**
   * Sends a message.
   *
   * @param payload the text, with variables; for bytes and files see {@code payloadType}
   * @return the element, to be set further
   */
  public static WsSend wsSend(String payload) {
    return wsSend("", payload);
  }

  /**
   * Sends a message.
   *
   * @param name the label of its samples
   * @param payload the text, with variables; for bytes and files see {@code payloadType}
   * @return the element, to be set further
   */
  public static WsSend wsSend(String name, String payload) {
    return new WsSend(name).payload(payload);
  }

  /**
   * Waits for a message: the next, unless {@code matchMode} says more.
   *
   * @return the element, to be set further
   */
  public static WsReceive wsReceive() {
    return wsReceive("");
  }

  /**
   * Waits for a message: the next, unless {@code matchMode} says more.
   *
   * @param name the label of its samples
   * @return the element, to be set further
   */
  public static WsReceive wsReceive(String name) {
    return new WsReceive(name);
  }

  /**
   * Sends a message, then waits for its answer.
   *
   * @param payload the text, with variables; for bytes and files see {@code payloadType}
   * @return the element, to be set further
   */
  public static WsExchange wsExchange(String payload) {
    return wsExchange("", payload);
  }

  /**
   * Sends a message, then waits for its answer.
   *
   * @param name the label of its samples
   * @param payload the text, with variables; for bytes and files see {@code payloadType}
   * @return the element, to be set further
   */
  public static WsExchange wsExchange(String name, String payload) {
    return new WsExchange(name).payload(payload);
  }

  /**
   * Measures the round-trip time of a ping.
   *
   * @return the element, to be set further
   */
  public static WsPing wsPing() {
    return wsPing("");
  }

  /**
   * Measures the round-trip time of a ping.
   *
   * @param name the label of its samples
   * @return the element, to be set further
   */
  public static WsPing wsPing(String name) {
    return new WsPing(name);
  }

  /**
   * Closes a connection and waits for the end of the other side.
   *
   * @return the element, to be set further
   */
  public static WsClose wsClose() {
    return wsClose("");
  }

  /**
   * Closes a connection and waits for the end of the other side.
   *
   * @param name the label of its samples
   * @return the element, to be set further
   */
  public static WsClose wsClose(String name) {
    return new WsClose(name);
  }

  /**
   * Runs its children again, after a wait, until an attempt succeeds or the policy gives up.
   *
   * @param children what is tried
   * @return the element, to be set further
   */
  public static WsRetry wsRetry(ThreadGroupChild... children) {
    return wsRetry("", children);
  }

  /**
   * Runs its children again, after a wait, until an attempt succeeds or the policy gives up.
   *
   * @param name what it is called in the plan
   * @param children what is tried
   * @return the element, to be set further
   */
  public static WsRetry wsRetry(String name, ThreadGroupChild... children) {
    return new WsRetry(name, Arrays.asList(children));
  }

  /**
   * Lets one thread run its children; all others get the variables that {@code onceVariables}
   * names.
   *
   * @param children what one thread does for all
   * @return the element, to be set further
   */
  public static WsOnce wsOnce(ThreadGroupChild... children) {
    return wsOnce("", children);
  }

  /**
   * Lets one thread run its children; all others get the variables that {@code onceVariables}
   * names.
   *
   * @param name what it is called in the plan
   * @param children what one thread does for all
   * @return the element, to be set further
   */
  public static WsOnce wsOnce(String name, ThreadGroupChild... children) {
    return new WsOnce(name, Arrays.asList(children));
  }

  /**
   * A timer: samples in its scope wait for their turn.
   *
   * @return the element, to be set further
   */
  public static WsPace wsPace() {
    return new WsPace("");
  }

  /**
   * Values for what the elements in its scope leave open.
   *
   * @return the element, to be set further
   */
  public static WsDefaults wsDefaults() {
    return new WsDefaults("");
  }

  /**
   * A policy for {@code retry(...)} of several elements, so far as built in.
   *
   * @return the policy, to be set further
   */
  public static RetryPolicy retryPolicy() {
    return new RetryPolicy();
  }
}
