//! The processor: its architecture, and how much of x86-64 it has.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome},
    off_worker,
};

/// What the embedded ClickHouse is compiled for: SSE 4.2 and POPCNT.
const ENGINE_LEVEL: u8 = 2;

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        judged(std::env::consts::ARCH, level(), context.embeds_engine())
    })
}

/// The level of this processor in the x86-64 psABI, 1 to 4; `None` on others.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::unnecessary_wraps, reason = "other processors have none")]
fn level() -> Option<u8> {
    let second = is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("sse4.2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("cmpxchg16b");
    let third = is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe");
    let fourth = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let has = [second, third, fourth];
    Some(1 + has.into_iter().take_while(|has| *has).count() as u8)
}

#[cfg(not(target_arch = "x86_64"))]
const fn level() -> Option<u8> {
    None
}

fn judged(architecture: &str, level: Option<u8>, engine: bool) -> Outcome {
    let Some(level) = level else {
        let found = format!("the processor is {architecture}");
        return if engine {
            Outcome::warning(
                found,
                "The embedded ClickHouse is published for x86-64 alone: name one of yours (--clickhouse URL).",
            )
        } else {
            Outcome::ok(found)
        };
    };
    let found = format!("the processor is {architecture}-v{level}");
    if engine && level < ENGINE_LEVEL {
        Outcome::failed(
            found,
            "The embedded ClickHouse needs SSE 4.2 (x86-64-v2); virtual machines may hide it. Name a ClickHouse of yours: --clickhouse URL.",
        )
    } else {
        Outcome::ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_the_engine_cannot_run_on_is_told() {
        let of = |level, engine| judged("any", level, engine).state;
        assert_eq!(of(Some(1), true), State::Failed);
        assert_eq!(of(Some(1), false), State::Ok);
        assert_eq!(of(Some(2), true), State::Ok);
        assert_eq!(of(None, true), State::Warning);
        assert_eq!(of(None, false), State::Ok);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn this_processor_has_a_level() {
        assert!((1..=4).contains(&level().unwrap()));
    }
}
