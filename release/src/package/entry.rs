//! Names inside an archive: those that every system unpacks to the same place.

use super::Error;

/// Refuses a name that leaves the archive's folder, or that Windows cannot have or would change.
pub(super) fn check(name: &str) -> Result<(), Error> {
    let parts = || name.split('/');
    let reason = if name.contains('\\') || parts().any(|p| matches!(p, "" | "." | "..")) {
        "it must be relative, with forward slashes, and stay in its folder"
    } else if name.chars().any(|c| c.is_control() || ":*?\"<>|".contains(c)) {
        "Windows does not allow control characters and : * ? \" < > | in names"
    } else if parts().any(|p| p.ends_with(['.', ' '])) {
        "Windows removes a dot or a space at the end of a name"
    } else {
        return Ok(());
    };
    Err(Error::Name { name: name.to_owned(), reason })
}
