//! What is described of the routes here, for the description of the whole API.

use utoipa::{OpenApi, openapi};

use crate::{share_links, sign_in};

#[derive(OpenApi)]
#[openapi(paths(sign_in::session, share_links::list, share_links::add, share_links::revoke))]
struct Document;

/// The description of the session and of share links.
pub fn document() -> openapi::OpenApi {
    Document::openapi()
}
