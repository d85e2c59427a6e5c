package io.github.wsbackoff.dsl;

/**
 * An element that tries again.
 *
 * @param <T> the element
 */
public interface Retrying<T> extends Settings<T> {
  /**
   * Takes over all that the policy sets, as it is now; what it leaves open stays as it was.
   *
   * @param policy when to try again and when to give up
   * @return the same element
   */
  @SuppressWarnings("unchecked") // T is the element, as of all methods here
  default T retry(RetryPolicy policy) {
    policy.copyTo(this);
    return (T) this;
  }
}
