//! The kinds of problem that every role may answer with: one for each status.

use axum::http::StatusCode;

use super::ProblemKind;

macro_rules! kinds {
    ($($(#[$text:meta])* $name:ident = $slug:literal, $status:ident, $title:literal, $remedy:literal;)+) => {
        $($(#[$text])*
        pub static $name: ProblemKind = ProblemKind {
            slug: $slug,
            status: StatusCode::$status,
            title: $title,
            remedy: $remedy,
        };)+

        /// All of them.
        pub static COMMON: &[&ProblemKind] = &[$(&$name),+];
    };
}

kinds! {
    /// A part of the request cannot be used.
    INVALID = "invalid-request", BAD_REQUEST, "The request cannot be used",
        "Each entry of `errors` names a value of the path, the query or the body, and says what would do. Change it and ask again.";
    /// Nobody is known by what was sent, or nothing was sent.
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED, "Sign in first",
        "Send a token: `Authorization: Bearer TOKEN`. An admin makes one with `casement accounts token NAME` or by POST /api/v1/accounts/NAME/tokens. In a browser, sign in at /sign-in.";
    /// Whoever asks is known, and may not.
    FORBIDDEN = "forbidden", FORBIDDEN, "This account may not do that",
        "A reader reads, an operator changes devices and windows, an admin does everything. A page of another site may change nothing. Use an account with the role that `detail` names.";
    /// Something that is asked for is not there.
    NOT_FOUND = "not-found", NOT_FOUND, "Not found",
        "Check the path and the id in it. GET /api/v1/devices lists the devices that are known, GET /api/v1/openapi.json every path.";
    /// The path does not know the method.
    METHOD = "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not know this method",
        "The header `Allow` lists the methods that it knows.";
    /// The request took too long.
    TIMEOUT = "request-timeout", REQUEST_TIMEOUT, "The request took too long",
        "Send the whole body at once; ten seconds are allowed.";
    /// The present state does not allow it.
    CONFLICT = "conflict", CONFLICT, "The present state does not allow that",
        "`detail` says what is in the way. Ask for the present state, then decide anew.";
    /// Somebody else has changed it meanwhile.
    CHANGED = "changed-meanwhile", PRECONDITION_FAILED, "It was changed meanwhile",
        "What `If-Match` names is no longer the present revision. Ask for the resource again, look at what is new, and send the change with its new `ETag`.";
    /// The body is too large.
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "Send less at once; `detail` says how much is allowed.";
    /// The body is of another type.
    MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body has another type",
        "Send JSON, and say so: `Content-Type: application/json`. PATCH takes `application/merge-patch+json` as well.";
    /// The part that is asked for is not there.
    RANGE = "no-such-part", RANGE_NOT_SATISFIABLE, "There is no such part",
        "The header `Content-Range` says how many bytes there are. Ask for bytes below that, or leave out `Range`.";
    /// The head of the request is too large.
    HEAD_TOO_LARGE = "head-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large",
        "Send fewer or shorter headers; a head has 32 KiB at most.";
    /// Too much was asked for in a short time.
    TOO_MANY = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for the seconds of `Retry-After`, then ask again. Limits are those of `http.limits` in the configuration; wrong passwords have pauses of their own.";
    /// A bug, or a disk that cannot be written.
    INTERNAL = "internal-error", INTERNAL_SERVER_ERROR, "An error of the service",
        "The service's log says why. The request may be sent again.";
    /// Something that is needed is away.
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "Something that is needed is away",
        "GET /api/v1/health names the part that is down and says what to do. Ask again after the seconds of `Retry-After`, where it is stated.";
}

/// The kind that a status stands for where nothing more is known.
pub(crate) fn of_status(status: StatusCode) -> &'static ProblemKind {
    let known = COMMON.iter().find(|kind| kind.status == status);
    known.copied().unwrap_or(if status.is_server_error() {
        &INTERNAL
    } else {
        &INVALID
    })
}
