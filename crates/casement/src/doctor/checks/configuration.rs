//! The configuration: that it can be used was found before; what is risky in it is told here.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::{Context, Outcome};

pub(super) fn check(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move { judged(&context) })
}

fn judged(context: &Context) -> Outcome {
    let doors = context.config.broker.doors();
    let open: Vec<String> = doors
        .iter()
        .filter(|door| context.embeds_broker() && !door.tls && !door.addr.ip().is_loopback())
        .map(|door| door.addr.to_string())
        .collect();
    if open.is_empty() {
        return Outcome::ok("every key that is used can be used");
    }
    Outcome::warning(
        format!(
            "passwords and readings cross the network readable at {}",
            open.join(", ")
        ),
        "Use a listener with tls: true, as `casement up --lan` does.",
    )
}
