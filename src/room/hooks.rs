//! The hooks that are called for calls: those of the configuration, and those that clients have added, which are kept in a file.

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

/// The largest file of hooks; some thousands fit.
const MAX_BYTES: u64 = 1 << 20;

/// A hook, as clients see and set it, and as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Hook {
    /// The SIP host that is called; case does not count.
    pub(crate) host: String,
    /// Where the news go.
    pub(crate) url: String,
    /// The tenant whose hook it is, and whose calls these are; may be empty where there are no tenants.
    pub(crate) auth_id: String,
}

impl Hook {
    /// The same behind the form of its host in which hosts are compared, if host and address are such.
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

    /// Whether its address may be one of the inside.
    fn is_public(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| is_public_host(&url))
    }
}

/// Several of them.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SipHooks))]
pub(crate) struct List {
    /// In the order of the configuration, and then of their hosts.
    pub(crate) hooks: Vec<Hook>,
}

/// Why the hooks stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// A host that is none.
    #[error("Invalid request: host cannot be empty")]
    Host,
    /// A host that is no name and no address.
    #[error("Invalid request: the host {0:?} is neither a name nor an IP address; it has no scheme and no port")]
    NoHost(String),
    /// An address that is none.
    #[error("Invalid url of host {0}: an http or https address is expected")]
    Url(String),
    /// An address of the inside, which a client has no right to.
    #[error("Invalid url of host {0}: private addresses are refused, unless the operator sets sip.private_hooks")]
    Private(String),
    /// A hook that is to be another tenant's.
    #[error("Access denied: auth_id of host {0} must be the caller's own")]
    ForeignTenant(String),
    /// Hosts that have hooks of others.
    #[error("Access denied: host(s) {} belong to a different tenant", .0.join(", "))]
    Foreign(Vec<String>),
    /// Twice in one request.
    #[error("Duplicate host in request: {0}")]
    Duplicate(String),
    /// No tenant, where everybody has one.
    #[error("auth_id of host {0} cannot be empty when authentication is required")]
    Tenant(String),
    /// Nothing to remove.
    #[error("Invalid request: hosts cannot be empty")]
    Nothing,
    /// More than is kept.
    #[error("Too many hooks: {} bytes are the most that is kept of them", MAX_BYTES)]
    TooMany,
    /// What only the configuration changes.
    #[error("Host(s) {} are hardcoded in the application config and cannot be changed.", .0.join(", "))]
    Fixed(Vec<String>),
    /// Nowhere to keep them.
    #[error("SIP hooks cannot be changed: cache.path is not set")]
    NoFolder,
    /// Nothing to sign their news with.
    #[error("SIP hooks cannot be added: sip.hook_secret is not set")]
    NoSecret,
    /// The disk.
    #[error("SIP hooks could not be written: {0}")]
    Write(#[from] io::Error),
}

/// Why the server does not start with the hooks that were kept: it would forget them at the next change.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}; correct the file or remove it", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// All hooks.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// Those of the configuration, which win, each behind its host in the form in which hosts are compared.
    fixed: Vec<(String, SipHook)>,
    /// By host, in the form in which hosts are compared.
    added: RwLock<BTreeMap<String, Hook>>,
    /// Held while the file changes, so that readers need not wait for the disk.
    writing: Mutex<()>,
    path: Option<PathBuf>,
    secret: Option<Secret>,
    /// Whether every client has to say who it is.
    required: bool,
    /// `sip.private_hooks`
    pub(super) private: bool,
    /// `sip.room_prefix`
    pub(super) room_prefix: String,
    pub(super) outbound: Outbound,
}

/// Where the news of a host go, for whom, and signed by what.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) auth_id: String,
    pub(super) secret: Option<Secret>,
    /// The configuration names it; else a client does.
    pub(super) fixed: bool,
}

impl Hooks {
    /// Those of the configuration and of the file.
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

    /// The tenant's hooks that count; all of them, where there are no tenants.
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

    /// The hook of a host, if there is one.
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

    /// Adds hooks of the tenant, or puts them in the place of its own of the same host. Waits for the disk.
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

    /// Removes the tenant's hooks of these hosts, where there are any. Those of other tenants are to it as if they were not
    /// there. Waits for the disk.
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

    /// Not those of the tenant that the configuration names.
    fn may_change(&self, tenant: Option<&str>, mut hosts: Vec<String>) -> Result<(), HooksError> {
        let fixed = |host: &String| sip_host(host).and_then(|name| self.fixed(&name));
        hosts.retain(|host| fixed(host).is_some_and(|hook| is_of(&hook.auth_id, tenant)));
        if hosts.is_empty() { Ok(()) } else { Err(HooksError::Fixed(hosts)) }
    }

    /// What is told counts, and is on the disk; or nothing has changed.
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

/// Whether a hook of `owner` is this tenant's. Without tenants each hook is every client's.
fn is_of(owner: &str, tenant: Option<&str>) -> bool {
    named(tenant).is_none_or(|tenant| tenant == owner)
}

/// Refuses hooks whose hosts are another tenant's.
fn refuse(hooks: &BTreeMap<String, Hook>, is_foreign: impl Fn(&str) -> bool) -> Result<(), HooksError> {
    let foreign = hooks.iter().filter(|(name, _)| is_foreign(name)).map(|(_, hook)| hook.host.clone());
    let foreign: Vec<String> = foreign.collect();
    if foreign.is_empty() { Ok(()) } else { Err(HooksError::Foreign(foreign)) }
}

/// The hooks that a file keeps; none where it is not there.
fn read(path: &Path) -> Result<Vec<(String, Hook)>, FileError> {
    let wrong = |reason: String| FileError { path: path.to_owned(), reason };
    let file = match File::open(path) {
        Ok(file) => file,
        // A folder that is a file is reported by the cache.
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
    fn a_file_of_hooks_is_read_whole_or_not_at_all() {
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
        fn any_bytes_are_hooks_or_an_error(bytes: Vec<u8>) {
            parse(&bytes).ok();
        }
    }
}
