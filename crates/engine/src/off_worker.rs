//! Work on a stranger's bytes that takes long enough to keep other requests waiting.
//!
//! In: a size and the work. Out: its result. Short work is done at once, long work on a blocking thread; it is dropped
//! before it starts when its client has left.

use tokio_util::task::AbortOnDropHandle;

/// Bytes whose reading costs less than another thread.
const SHORT: usize = 16 << 10;

/// Runs `work`, which looks at so many bytes.
pub(crate) async fn off_worker<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    // Unit tests count the steps of their own thread.
    if bytes <= SHORT || cfg!(test) {
        return work();
    }
    let running = AbortOnDropHandle::new(tokio::task::spawn_blocking(work));
    running.await.expect("reading a text does not panic")
}
