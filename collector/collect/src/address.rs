//! Where the collector's socket is, if nobody says.

use std::env;
use std::path::PathBuf;

/// The environment variable that names the collector's socket.
pub const SOCKET_VARIABLE: &str = "IOBRING_SOCKET";

/// `$IOBRING_SOCKET`; else `iobring.sock` in the user's runtime directory (`$XDG_RUNTIME_DIR`); else `/run/iobring.sock`.
pub fn default_socket() -> PathBuf {
    if let Some(path) = env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty()) {
        return path.into();
    }
    match env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("iobring.sock"),
        None => "/run/iobring.sock".into(),
    }
}
