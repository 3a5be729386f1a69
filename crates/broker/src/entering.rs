//! Who a client is, between its greeting and its session.
//!
//! In: a greeting, and where it came in. Out: what its client may do, or why it may not enter. Its account becomes part of its
//! identity, and its will is judged as a message would be.

use std::sync::Arc;

use tokio::time::timeout;

use crate::{
    access::{DenialReason, Entry, Login, Permission},
    events::{EventKind, What},
    gate::Identity,
    handshake::Greeting,
    listener::Visitor,
    shared::Shared,
};

/// Asks who the client is. Its account, if it has one, becomes part of its identity.
pub(crate) async fn enter(
    shared: &Shared,
    greeting: &mut Greeting,
    visitor: &Visitor,
) -> Result<Entry, (DenialReason, What)> {
    let password = greeting.password.take();
    let Some(access) = shared.access.as_ref().filter(|_| visitor.slot.is_some()) else {
        let is_known = visitor.anonymous || visitor.slot.is_none() || visitor.certificate_name.is_some();
        return if is_known {
            Ok(Entry::unlimited())
        } else {
            // Where nobody is asked, a certificate is the only account.
            let what = What::new(
                EventKind::LoginFailed,
                "the client has no certificate, and this address asks for one",
                "connect with a certificate: casement provision tls --client ID",
            );
            Err((DenialReason::NotAuthorized, what))
        };
    };
    let identity = &greeting.identity;
    let login = Login {
        address: visitor.address,
        client_id: &identity.client_id,
        username: identity.username.as_deref(),
        password: password.as_deref(),
        certificate_name: visitor.certificate_name.as_deref(),
        certificate_not_before: visitor.certificate_not_before,
        anonymous: visitor.anonymous,
    };
    let entering = timeout(shared.options.connect_timeout, access.enter(login));
    let entry = match entering.await {
        Ok(Ok(entry)) => entry,
        Ok(Err(denial)) => {
            let what = What::new(EventKind::LoginFailed, denial.detail, denial.remedy);
            return Err((denial.reason, what));
        }
        Err(_) => {
            let what = What::new(
                EventKind::LoginFailed,
                "the account was not looked up in time",
                "try again",
            );
            return Err((DenialReason::Busy, what));
        }
    };
    let identity = Arc::new(Identity {
        client_id: Arc::clone(&identity.client_id),
        username: identity.username.clone(),
        account: entry.account.clone(),
    });
    greeting.identity = Arc::clone(&identity);
    if let Some(will) = &mut greeting.will {
        will.identity = identity;
        match entry.rights.publish(&will.publish.topic, &will.publish.payload) {
            Permission::Granted => {}
            Permission::Ignored => greeting.will = None,
            Permission::Refused { reason, remedy } => {
                let topic: String = will.publish.topic.chars().take(128).collect();
                let text = format!("the will cannot be published to {topic:?}: {reason}");
                let what = What::new(EventKind::NotAuthorized, text, remedy);
                return Err((DenialReason::NotAuthorized, what));
            }
        }
    }
    Ok(entry)
}
