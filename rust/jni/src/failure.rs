//! How an error or a panic becomes a Java exception: misuse is an `IllegalStateException`, a full heap the JVM's own error, all else
//! a `RuntimeException`.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Once;

use jni::errors::{ErrorPolicy, JniError};
use jni::strings::JNIString;
use jni::{Env, jni_str};

/// Whatever an export may fail with.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The JVM refused a call.
    #[error("{0}")]
    Jni(#[from] jni::errors::Error),
    /// A call that makes no sense.
    #[error("{0}")]
    Misuse(#[from] jmeter::Misuse),
    /// The end of a test was not in order.
    #[error("{0}")]
    Shutdown(#[from] jmeter::ShutdownError),
    /// Arguments of a command that are no JSON array of texts.
    #[error("malformed arguments: {0}")]
    Arguments(#[from] serde_json::Error),
    /// A second command beside the first.
    #[error("another command is running in this JVM")]
    CommandRuns,
}

thread_local! {
    /// Text and place of this thread's last panic.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes a panic for the exception in place of printing it, where nobody would look.
pub fn keep_panics_off_stderr() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info
                .location()
                .map(|at| format!(" at {}:{}", at.file(), at.line()))
                .unwrap_or_default();
            let text = format!("{}{place}", text_of(info.payload()));
            LAST_PANIC.with_borrow_mut(|last| *last = Some(text));
        }));
    });
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

/// The policy of every export.
///
/// jni's own keeps only `&'static str` messages of panics, so a formatted one would reach Java as "non-string payload".
pub struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'unowned_env_local: 'native_method, 'native_method> = ();

    fn on_error<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        _captures: &mut Self::Captures<'unowned_env_local, 'native_method>,
        failure: Failure,
    ) -> jni::errors::Result<T> {
        if env.exception_check() {
            return Ok(T::default()); // what the JVM threw says more
        }
        let class = match failure {
            // The crate takes what the JVM threw away with it.
            Failure::Jni(jni::errors::Error::JniCall(JniError::NoMemory)) => {
                let text = jni_str!("no room in Java's heap for what the native part answers");
                let _ = env.throw_new(jni_str!("java/lang/OutOfMemoryError"), text);
                return Ok(T::default());
            }
            Failure::Misuse(_) | Failure::Arguments(_) | Failure::CommandRuns => {
                jni_str!("java/lang/IllegalStateException")
            }
            Failure::Jni(_) | Failure::Shutdown(_) => jni_str!("java/lang/RuntimeException"),
        };
        // Answers `Err(JavaException)` once thrown: here that is success.
        let _ = env.throw_new(class, JNIString::from(failure.to_string()));
        Ok(T::default())
    }

    fn on_panic<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        _captures: &mut Self::Captures<'unowned_env_local, 'native_method>,
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        let noted = LAST_PANIC.with_borrow_mut(Option::take);
        let text = format!("native panic: {}", noted.unwrap_or_else(|| text_of(&*payload)));
        let _ = env.throw_new(jni_str!("java/lang/RuntimeException"), JNIString::from(text));
        Ok(T::default())
    }
}

/// Panics where a test asks for it: a connect to the host `panic.invalid`. Not in the library that is shipped.
#[cfg(feature = "panic-probe")]
pub fn probe(spec: &[u8]) {
    let text = String::from_utf8_lossy(spec);
    assert!(
        !text.contains("//panic.invalid"),
        "probe: a connect to panic.invalid, {} bytes",
        spec.len()
    );
}
