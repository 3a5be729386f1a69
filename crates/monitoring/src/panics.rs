//! Panics that are handled where they happen: of one request, one clip, one file.
//!
//! In: work that may have a bug for one input. Out: its result, or that it panicked. A panic anywhere else would leave a
//! service half alive; the binary's panic hook asks [`is_contained`] and ends the process.

use std::{
    cell::Cell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The work panicked; the panic hook has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an internal error; the log has it")]
pub struct Panicked;

/// Marks this thread's panics as handled until it is dropped.
struct Containment;

impl Containment {
    fn begin() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Containment {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Whether a panic on this thread is handled by a [`contain`]. It never panics itself, so that a panic hook can ask.
pub fn is_contained() -> bool {
    DEPTH.try_with(Cell::get).is_ok_and(|depth| depth > 0)
}

/// Does `work` and survives its panic. Whatever `work` shares with others must be sound when it breaks off.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let _containment = Containment::begin();
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// [`contain`] for a future.
pub async fn contain_async<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| match contain(|| work.as_mut().poll(context)) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Middleware: answers a request that panics with status 500.
pub async fn answer_panics(request: Request, next: Next) -> Response {
    let answer = contain_async(next.run(request)).await;
    answer.unwrap_or_else(|Panicked| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{Panicked}\n")).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_within_is_contained() {
        assert!(!is_contained());
        assert_eq!(contain(is_contained), Ok(true));
        assert_eq!(contain(|| panic!("a bug")), Err::<(), _>(Panicked));
        assert!(!is_contained());
        let nested = contain(|| (contain(|| panic!("a bug")) == Err::<(), _>(Panicked)) && is_contained());
        assert_eq!(nested, Ok(true));
    }

    #[tokio::test]
    async fn a_future_is_contained_while_it_is_polled_and_not_while_it_waits() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let mut work = pin!(contain_async(async {
            let before = is_contained();
            let _ = receiver.await;
            assert!(!before, "a bug after waiting");
        }));
        assert!(futures_poll(&mut work).await.is_none());
        assert!(!is_contained());
        sender.send(()).unwrap();
        assert_eq!(work.await, Err(Panicked));
    }

    async fn futures_poll<F: Future + Unpin>(work: &mut F) -> Option<F::Output> {
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
