//! TLS for the listeners of Casement: certificates of a house of its own, and the server's side of a handshake.
//!
//! In: names and addresses of this host, or certificate files of one's own. Out: an authority, certificates and keys
//! below one directory; connections whose handshake is done, with the name in the client's certificate; and one line
//! for a person where a handshake failed. It knows neither MQTT nor HTTP.

mod authority;
mod error;
mod handshake;
mod inspection;
mod pem;
mod private;
mod provision;
mod server;

pub use error::TlsError;
pub use handshake::{Accepted, Refused};
pub use inspection::{Description, describe};
pub use provision::{ClientFiles, Files, Provision, Provisioned, ensure, provision};
pub use server::{ServerFiles, ServerTls};
pub use tokio_rustls::server::TlsStream;
