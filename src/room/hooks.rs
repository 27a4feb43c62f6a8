//! The webhooks that this server calls for telephone calls: those of the configuration, and those that clients have added, which
//! are stored in a file.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use url::Url;

use super::named;
use super::public::is_public_host;
use crate::config::{Config, Secret, SipHook, sip_host};
use crate::disk;
use crate::outbound::Outbound;

/// The size limit of the file of hooks, in bytes. Enough for some thousand.
const MAX_BYTES: u64 = 1 << 20;

/// A webhook for the calls to a SIP host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Hook {
    /// The SIP host that is called. Its case is ignored.
    pub(crate) host: String,
    /// The URL that receives the events of calls.
    pub(crate) url: String,
    /// The tenant that owns the hook and the calls. May be empty if there are no tenants.
    pub(crate) auth_id: String,
}

impl Hook {
    /// Returns the compared form of the host, and the hook, if host and URL are valid.
    fn checked(self) -> Result<(String, Self), HooksError> {
        let host = self.host.trim().to_owned();
        if host.is_empty() {
            return Err(HooksError::Host);
        }
        let Some(name) = sip_host(&host) else { return Err(HooksError::NoHost(host)) };
        if !Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(HooksError::Url(host));
        }
        Ok((name, Self { host, ..self }))
    }

    /// Returns whether its URL may lead to a public address.
    fn is_public(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| is_public_host(&url))
    }
}

/// A list of hooks.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SipHooks))]
pub(crate) struct List {
    /// Hooks of the configuration in its order, then the others ordered by host.
    pub(crate) hooks: Vec<Hook>,
}

/// Why the hooks were not changed.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// The host is empty.
    #[error("Invalid request: host cannot be empty")]
    Host,
    /// The host is neither a name nor an address.
    #[error("Invalid request: the host {0:?} must be a name or an IP address, without scheme and port")]
    NoHost(String),
    /// The URL cannot be parsed, or is not http or https.
    #[error("Invalid url of host {0}: use an http or https URL")]
    Url(String),
    /// The URL leads to a private address.
    #[error("Invalid url of host {0}: private addresses are refused, unless the operator sets sip.private_hooks")]
    Private(String),
    /// The request names another tenant as the owner.
    #[error("Access denied: auth_id of host {0} must be the caller's own")]
    ForeignTenant(String),
    /// These hosts have hooks of another tenant.
    #[error("Access denied: host(s) {} belong to a different tenant", .0.join(", "))]
    Foreign(Vec<String>),
    /// The host appears twice in one request.
    #[error("Duplicate host in request: {0}")]
    Duplicate(String),
    /// The tenant is missing, although authentication is required.
    #[error("auth_id of host {0} cannot be empty when authentication is required")]
    Tenant(String),
    /// The list of hosts to remove is empty.
    #[error("Invalid request: hosts cannot be empty")]
    Nothing,
    /// The file would exceed its size limit.
    #[error("Too many hooks: the limit is {} bytes", MAX_BYTES)]
    TooMany,
    /// The hooks of these hosts are part of the configuration.
    #[error("Host(s) {} are hardcoded in the application config and cannot be changed.", .0.join(", "))]
    Fixed(Vec<String>),
    /// There is no folder for the file.
    #[error("SIP hooks cannot be changed: cache.path is not set")]
    NoFolder,
    /// There is no secret to sign events with.
    #[error("SIP hooks cannot be added: sip.hook_secret is not set")]
    NoSecret,
    /// The file cannot be written.
    #[error("SIP hooks could not be written: {0}")]
    Write(#[from] io::Error),
}

/// Why the stored hooks cannot be read. The server does not start then, because the next change would lose them.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}; correct the file or remove it", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    pub reason: String,
}

/// All hooks. Built once at the start, shared by all requests.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// Hooks of the configuration, which take precedence, each with the compared form of its host.
    fixed: Vec<(String, SipHook)>,
    /// Hooks that clients have added, by the compared form of their hosts.
    added: RwLock<BTreeMap<String, Hook>>,
    /// Locked while the file changes, so that readers do not wait for the disk.
    writing: Mutex<()>,
    path: Option<PathBuf>,
    secret: Option<Secret>,
    /// `auth.required`
    required: bool,
    /// `sip.private_hooks`
    pub(super) private: bool,
    /// `sip.room_prefix`
    pub(super) room_prefix: String,
    pub(super) outbound: Outbound,
}

/// The hook of one host, with the secret that signs its events.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) auth_id: String,
    pub(super) secret: Option<Secret>,
    /// Whether the hook is part of the configuration. Otherwise a client has added it.
    pub(super) fixed: bool,
}

impl Hooks {
    /// Reads the hooks of the configuration and of the file.
    pub(crate) fn open(config: &Config, outbound: Outbound) -> Result<Self, FileError> {
        let path = config.cache.path.as_ref().map(|folder| folder.join("sip_hooks.json"));
        let kept = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self {
            fixed: config.sip.hooks.iter().filter_map(|hook| Some((sip_host(&hook.host)?, hook.clone()))).collect(),
            added: RwLock::new(kept.into_iter().collect()),
            writing: Mutex::default(),
            path,
            secret: config.sip.hook_secret.clone(),
            required: config.auth.required,
            private: config.sip.private_hooks,
            room_prefix: config.sip.room_prefix.clone().unwrap_or_default(),
            outbound,
        })
    }

    /// Returns the tenant's hooks that are in effect, or all if there are no tenants.
    pub(crate) fn list(&self, tenant: Option<&str>) -> List {
        let fixed = self
            .fixed
            .iter()
            .map(|(_, hook)| hook)
            .filter(|hook| is_of(&hook.auth_id, tenant))
            .map(|hook| Hook { host: hook.host.clone(), url: hook.url.to_string(), auth_id: hook.auth_id.clone() });
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        let counts = |(name, hook): &(&String, &Hook)| is_of(&hook.auth_id, tenant) && self.fixed(name).is_none();
        let added = added.iter().filter(counts).map(|(_, hook)| hook.clone());
        List { hooks: fixed.chain(added).collect() }
    }

    fn fixed(&self, name: &str) -> Option<&SipHook> {
        self.fixed.iter().find(|(fixed, _)| fixed == name).map(|(_, hook)| hook)
    }

    /// Returns the hook of a host, if there is one.
    pub(super) fn find(&self, host: &str) -> Option<Target> {
        let name = sip_host(host)?;
        if let Some(SipHook { url, auth_id, secret, .. }) = self.fixed(&name) {
            let secret = secret.clone().or_else(|| self.secret.clone());
            return Some(Target { url: url.to_string(), auth_id: auth_id.clone(), secret, fixed: true });
        }
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        let Hook { url, auth_id, .. } = added.get(&name)?.clone();
        Some(Target { url, auth_id, secret: self.secret.clone(), fixed: false })
    }

    /// Adds hooks of the tenant, or replaces its hooks of the same hosts. Blocks on the disk.
    pub(crate) fn add(&self, tenant: Option<&str>, hooks: Vec<Hook>) -> Result<List, HooksError> {
        let mut new = BTreeMap::new();
        for hook in hooks {
            let (name, hook) = hook.checked()?;
            let host = hook.host.clone();
            if self.required && hook.auth_id.trim().is_empty() {
                return Err(HooksError::Tenant(host));
            }
            if !is_of(&hook.auth_id, tenant) {
                return Err(HooksError::ForeignTenant(host));
            }
            if !self.private && !hook.is_public() {
                return Err(HooksError::Private(host));
            }
            if new.insert(name, hook).is_some() {
                return Err(HooksError::Duplicate(host));
            }
        }
        refuse(&new, |name| self.fixed(name).is_some_and(|hook| !is_of(&hook.auth_id, tenant)))?;
        self.may_change(tenant, new.values().map(|hook| hook.host.clone()).collect())?;
        if self.secret.is_none() {
            return Err(HooksError::NoSecret);
        }
        self.change(tenant, |hooks| {
            refuse(&new, |name| hooks.get(name).is_some_and(|hook| !is_of(&hook.auth_id, tenant)))?;
            hooks.extend(new);
            Ok(())
        })
    }

    /// Removes the tenant's hooks of these hosts. Hooks of other tenants are ignored. Blocks on the disk.
    pub(crate) fn remove(&self, tenant: Option<&str>, hosts: &[String]) -> Result<List, HooksError> {
        if hosts.is_empty() {
            return Err(HooksError::Nothing);
        }
        self.may_change(tenant, hosts.iter().map(|host| host.trim().to_owned()).collect())?;
        let named: HashSet<String> = hosts.iter().filter_map(|host| sip_host(host)).collect();
        self.change(tenant, |hooks| {
            hooks.retain(|name, hook| !(is_of(&hook.auth_id, tenant) && named.contains(name)));
            Ok(())
        })
    }

    /// Rejects a change of the tenant's hooks that are part of the configuration.
    fn may_change(&self, tenant: Option<&str>, mut hosts: Vec<String>) -> Result<(), HooksError> {
        let fixed = |host: &String| sip_host(host).and_then(|name| self.fixed(&name));
        hosts.retain(|host| fixed(host).is_some_and(|hook| is_of(&hook.auth_id, tenant)));
        if hosts.is_empty() { Ok(()) } else { Err(HooksError::Fixed(hosts)) }
    }

    /// Changes the hooks and writes the file. The change takes effect only after it was written.
    fn change(
        &self,
        tenant: Option<&str>,
        change: impl FnOnce(&mut BTreeMap<String, Hook>) -> Result<(), HooksError>,
    ) -> Result<List, HooksError> {
        let path = self.path.as_deref().ok_or(HooksError::NoFolder)?;
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hooks = self.added.read().unwrap_or_else(PoisonError::into_inner).clone();
        change(&mut hooks)?;
        let bytes = serde_json::to_vec(&List { hooks: hooks.values().cloned().collect() }).map_err(io::Error::from)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(HooksError::TooMany);
        }
        disk::replace(path, &bytes)?;
        path.parent().into_iter().for_each(disk::sync);
        *self.added.write().unwrap_or_else(PoisonError::into_inner) = hooks;
        Ok(self.list(tenant))
    }
}

/// Returns whether a hook of `owner` belongs to this tenant. Without tenants, each hook belongs to every client.
fn is_of(owner: &str, tenant: Option<&str>) -> bool {
    named(tenant).is_none_or(|tenant| tenant == owner)
}

/// Rejects hooks whose hosts belong to another tenant.
fn refuse(hooks: &BTreeMap<String, Hook>, is_foreign: impl Fn(&str) -> bool) -> Result<(), HooksError> {
    let foreign = hooks.iter().filter(|(name, _)| is_foreign(name)).map(|(_, hook)| hook.host.clone());
    let foreign: Vec<String> = foreign.collect();
    if foreign.is_empty() { Ok(()) } else { Err(HooksError::Foreign(foreign)) }
}

/// Reads the file of hooks. Returns no hooks if it does not exist.
fn read(path: &Path) -> Result<Vec<(String, Hook)>, FileError> {
    let wrong = |reason: String| FileError { path: path.to_owned(), reason };
    let file = match File::open(path) {
        Ok(file) => file,
        // The cache reports a folder that is a file.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(wrong(error.to_string())),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    parse(&bytes).map_err(wrong)
}

fn parse(bytes: &[u8]) -> Result<Vec<(String, Hook)>, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    let list: List = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    list.hooks.into_iter().map(|hook| hook.checked().map_err(|error| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_hooks_file_is_read_whole_or_not_at_all() {
        let good = r#"{"hooks":[{"host":"a.example","url":"https://b.example/c?d=e","auth_id":""}]}"#;
        let hook =
            Hook { host: "a.example".to_owned(), url: "https://b.example/c?d=e".to_owned(), auth_id: String::new() };
        assert_eq!(parse(good.as_bytes()), Ok(vec![("a.example".to_owned(), hook)]));
        for end in 0..good.len() {
            assert!(parse(good.as_bytes().get(..end).unwrap()).is_err(), "{end}");
        }
        for bad in [
            "[]",
            "null",
            r#"{"hooks":[{"host":" ","url":"https://b","auth_id":""}]}"#,
            r#"{"hooks":[{"host":"a:5060","url":"https://b","auth_id":""}]}"#,
            r#"{"hooks":[{"host":"a","url":"file:///etc","auth_id":""}]}"#,
            r#"{"hooks":[{"host":"a","url":"https://b"}]}"#,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(&vec![b' '; 1 << 21]).unwrap_err().contains("larger"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_sip_hooks_or_an_error(bytes: Vec<u8>) {
            parse(&bytes).ok();
        }
    }
}
