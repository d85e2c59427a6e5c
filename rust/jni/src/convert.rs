//! All conversions between Java's values and ours.

use std::time::Duration;

use jmeter::Handle;
use jni::Env;
use jni::objects::JByteArray;
use jni::sys::jlong;

use crate::failure::Failure;

/// A Java `byte[]` as bytes.
pub fn bytes(env: &Env<'_>, array: &JByteArray<'_>) -> Result<Vec<u8>, Failure> {
    Ok(env.convert_byte_array(array)?)
}

/// A Java `byte[]` as bytes; null is `None`.
pub fn optional_bytes(env: &Env<'_>, array: &JByteArray<'_>) -> Result<Option<Vec<u8>>, Failure> {
    if array.is_null() {
        return Ok(None);
    }
    bytes(env, array).map(Some)
}

/// Bytes as a Java `byte[]`.
pub fn java_bytes<'local>(env: &mut Env<'local>, bytes: &[u8]) -> Result<JByteArray<'local>, Failure> {
    Ok(env.byte_array_from_slice(bytes)?)
}

/// The same of what there may be none of: null then.
pub fn java_bytes_or_null<'local>(
    env: &mut Env<'local>,
    bytes: Option<&[u8]>,
) -> Result<JByteArray<'local>, Failure> {
    bytes.map_or_else(|| Ok(JByteArray::null()), |bytes| java_bytes(env, bytes))
}

/// A Java `long` that counts; less than nothing is nothing.
pub fn count(number: jlong) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// What is left of a thread's schedule in milliseconds; less than nothing: it has no end.
pub fn left(millis: jlong) -> Option<Duration> {
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// A Java `long` as a handle of a connection or an operation: the same 64 bits.
pub fn handle(number: jlong) -> Handle {
    Handle::from_ne_bytes(number.to_ne_bytes())
}

/// A handle as a Java `long`: the same 64 bits.
pub fn java_handle(handle: Handle) -> jlong {
    jlong::from_ne_bytes(handle.to_ne_bytes())
}
