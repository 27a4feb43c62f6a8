//! The directories that are searched for model files.

use std::env;
use std::path::{Path, PathBuf};

use crate::config::Config;

/// Returns the directories in the order of the search: the configured one, the cache's, the user's, and the installation's, which
/// a package may fill.
pub(super) fn of(config: &Config) -> Vec<PathBuf> {
    let cache = config.cache.path.as_deref().map(|path| path.join("models"));
    let user = user_cache().map(|path| path.join("sayna").join("models"));
    let program = env::current_exe().ok();
    let prefix = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    let installed = prefix.map(|prefix| prefix.join("share").join("sayna").join("models"));
    [config.models.path.clone(), cache, user, installed].into_iter().flatten().collect()
}

/// Returns the user's cache folder, by the conventions of the system. Not a key of this server.
fn user_cache() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return variable("LOCALAPPDATA");
    }
    let home = || env::home_dir().filter(|home| home.is_absolute());
    if cfg!(target_os = "macos") {
        return home().map(|home| home.join("Library").join("Caches"));
    }
    variable("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
}
