//! Rules between keys: the checks that need several values.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;

use super::fault::{Fault, Place, Problem};
use super::table::PARTS;
use super::{Config, Loaded, Origin, Providers};

/// The minimum length of the secret that signs events of calls, in characters. Upstream's rule.
const SHORTEST_HOOK_SECRET: usize = 16;

/// Adds an error for each violated rule, and warnings for keys without effect.
pub(super) fn check(loaded: &mut Loaded, exists: impl Fn(&Path) -> bool, faults: &mut Vec<Fault>) {
    let mut rules = Rules { loaded, faults, exists: &exists };
    rules.auth();
    rules.api_secrets();
    rules.server();
    rules.turn();
    rules.sip();
    rules.recording();
    let unused = PARTS.iter().filter(|(section, built_in, _)| !built_in && is_set(loaded, section));
    let warnings: Vec<_> =
        unused.map(|(section, _, part)| format!("`{}` is set, but this build has no {part}", shown(section))).collect();
    loaded.warnings.extend(warnings);
    if loaded.config.livekit.api_key.is_some() != loaded.config.livekit.api_secret.is_some() {
        let warning = "only one of `livekit.api_key` and `livekit.api_secret` is set: LiveKit counts as not configured";
        loaded.warnings.push(warning.to_owned());
    }
    let auth = &loaded.config.auth;
    if !auth.required && (auth.service_url.is_some() || !auth.secrets().is_empty()) {
        let warning = "secrets or a service are set in `auth`, but no client is asked for a token: set AUTH_REQUIRED=true (`auth.required`)";
        loaded.warnings.push(warning.to_owned());
    }
    if is_exposed(&loaded.config) {
        let warning = "clients need no token, so everyone who reaches this server can use the providers' keys: set AUTH_REQUIRED=true and \
                       AUTH_API_SECRETS_JSON, or HOST=127.0.0.1";
        loaded.warnings.push(warning.to_owned());
    }
}

/// Returns a key, or a pattern for all keys of a section.
fn shown(part: &str) -> String {
    if part.ends_with('.') { format!("{part}*") } else { part.to_owned() }
}

/// Returns whether the server is reachable by others, needs no authentication, and has credentials of providers.
fn is_exposed(config: &Config) -> bool {
    let Providers { deepgram, elevenlabs, cartesia, azure, google, .. } = &config.providers;
    let keys = [deepgram, elevenlabs, cartesia, azure, google].iter().any(|vendor| vendor.key.is_some());
    let host = &config.server.host;
    let inside = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    keys && !config.auth.required && !inside
}

/// Returns whether a listener at `host` uses this address too. Names are not resolved here.
fn overlap(host: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    let takes_all = |address: IpAddr| address.is_ipv6() && address.is_unspecified();
    match host.parse::<IpAddr>().map(|host| host.to_canonical()) {
        // `::` includes the addresses of IPv4.
        Ok(host) if takes_all(host) || takes_all(address) => true,
        Ok(host) if host.is_unspecified() || address.is_unspecified() => host.is_ipv4() == address.is_ipv4(),
        Ok(host) => host == address,
        Err(_) => address.is_unspecified() || (host == "localhost" && address.is_loopback()),
    }
}

/// Returns whether a key of a section differs from its default.
fn is_set(loaded: &Loaded, section: &str) -> bool {
    let defaults = Loaded::defaults();
    let same = |((path, value, _), (_, default, _)): (Setting<'_>, Setting<'_>)| {
        !path.starts_with(section) || value == default
    };
    !loaded.settings().zip(defaults.settings()).all(same)
}

type Setting<'a> = (&'static str, String, &'a Origin);

struct Rules<'a> {
    loaded: &'a Loaded,
    faults: &'a mut Vec<Fault>,
    exists: &'a dyn Fn(&Path) -> bool,
}

impl Rules<'_> {
    fn broken(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        let place = match self.loaded.origin(key) {
            Origin::Default => Place::Unset,
            Origin::File { path, line } => Place::File(path.clone(), Some(super::Position { line: *line, column: 1 })),
            Origin::Environment(name) => Place::Environment(name),
        };
        self.faults.push(Fault { place, problem: Problem::Rule { message: message.into(), hint: hint.into() } });
    }

    fn auth(&mut self) {
        let auth = &self.loaded.config.auth;
        let delegated = auth.service_url.is_some() && auth.signing_key_path.is_some();
        if auth.required && !delegated && auth.secrets().is_empty() {
            let message = "`auth.required` is true, but there is no secret and no service";
            let hint =
                "set `auth.api_secrets` (AUTH_API_SECRETS_JSON), or `auth.service_url` and `auth.signing_key_path`";
            self.broken("auth.required", message, hint);
        }
        match (&auth.service_url, &auth.signing_key_path) {
            (Some(_), None) => self.broken(
                "auth.service_url",
                "`auth.service_url` is set without `auth.signing_key_path`",
                "name the PEM file of an RSA or EC private key there",
            ),
            (None, Some(_)) => self.broken(
                "auth.signing_key_path",
                "`auth.signing_key_path` is set without `auth.service_url`",
                "set the address of the service that decides about tokens",
            ),
            _ => {}
        }
        for (key, path) in [
            ("auth.signing_key_path", &auth.signing_key_path),
            ("server.extra_ca", &self.loaded.config.server.extra_ca),
        ] {
            if let Some(path) = path.as_ref().filter(|path| !(self.exists)(path)) {
                let message = format!("`{key}`: there is no file {}", path.display());
                self.broken(key, message, "check the path; it counts from the folder in which sayna is started");
            }
        }
    }

    fn api_secrets(&mut self) {
        const KEY: &str = "auth.api_secrets";
        let (mut ids, mut secrets) = (HashSet::new(), HashSet::new());
        for (index, entry) in self.loaded.config.auth.api_secrets.iter().enumerate() {
            let (id, secret) = (entry.id.as_str(), entry.secret.expose());
            let number = index + 1;
            if id.trim().is_empty() || id.trim() != id {
                self.broken(
                    KEY,
                    format!("`{KEY}`: the id of entry {number} is empty or has blanks at its ends"),
                    "give each client a name",
                );
            } else if !ids.insert(id.to_lowercase()) {
                self.broken(
                    KEY,
                    format!("`{KEY}`: the id of entry {number} is there twice"),
                    "ids differ in more than capitals",
                );
            }
            if secret.trim().is_empty() {
                self.broken(
                    KEY,
                    format!("`{KEY}`: the secret of entry {number} is empty"),
                    "make one with `openssl rand -hex 32`",
                );
            } else if !secrets.insert(secret) {
                self.broken(
                    KEY,
                    format!("`{KEY}`: the secret of entry {number} is there twice"),
                    "give each client a secret of its own",
                );
            }
        }
    }

    fn server(&mut self) {
        let server = &self.loaded.config.server;
        if server.pong_timeout <= server.ping {
            let message = "`server.pong_timeout_seconds` is not longer than `server.ping_seconds`";
            self.broken("server.pong_timeout_seconds", message, "two or three pings should fit into it");
        }
        if let Some(metrics) = self.loaded.config.metrics.listen
            && metrics.port() == server.port
            && server.port != 0
            && overlap(&server.host, metrics.ip())
        {
            let message = format!("`metrics.listen` and `server.port` are both port {} of one address", server.port);
            self.broken("metrics.listen", message, "give the metrics a port of their own, such as 9090");
        }
    }

    fn turn(&mut self) {
        let turn = &self.loaded.config.turn;
        if turn.hard < turn.fallback {
            let message = "`turn.hard_ms` is shorter than `turn.fallback_ms`";
            self.broken("turn.hard_ms", message, "it is the limit for a turn in which texts keep coming");
        }
    }

    fn sip(&mut self) {
        let sip = &self.loaded.config.sip;
        if is_set(self.loaded, "sip.") && sip.room_prefix.is_none() {
            self.broken(
                "sip.room_prefix",
                "`sip.room_prefix` is not set, but other keys of `sip` are",
                "rooms of calls begin with it",
            );
        }
        if sip.hook_secret.as_ref().is_some_and(|secret| secret.expose().len() < SHORTEST_HOOK_SECRET) {
            let message = format!("`sip.hook_secret` is shorter than {SHORTEST_HOOK_SECRET} characters");
            self.broken("sip.hook_secret", message, "make one with `openssl rand -hex 32`");
        }
        let mut hosts = HashSet::new();
        for hook in &sip.hooks {
            let host = &hook.host;
            if !hosts.insert(super::value::sip_host(host)) {
                self.broken(
                    "sip.hooks",
                    format!("`sip.hooks`: the host {host} is there twice"),
                    "hosts differ in more than capitals",
                );
            }
            if hook.secret.is_none() && sip.hook_secret.is_none() {
                let message = format!("`sip.hooks`: {host} has no secret, and there is no `sip.hook_secret`");
                self.broken("sip.hooks", message, "set one of the two");
            }
            if self.loaded.config.auth.required && hook.auth_id.trim().is_empty() {
                let message = format!("`sip.hooks`: {host} has no `auth_id`, which `auth.required` asks for");
                self.broken("sip.hooks", message, "name the tenant whose calls these are");
            }
        }
        if sip.outbound_auth_username.is_some() != sip.outbound_auth_password.is_some() {
            let message = "`sip.outbound_auth_username` and `sip.outbound_auth_password` go together";
            self.broken("sip.outbound_auth_username", message, "set both or neither");
        }
    }

    fn recording(&mut self) {
        let recording = &self.loaded.config.recording;
        if recording.credentials_path.is_some() && recording.credentials_json.is_some() {
            let message = "`recording.backend.credentials_path` and `credentials_json` are both set";
            self.broken("recording.backend.credentials_json", message, "keep one of the two");
        }
        if recording.backend.is_some() && recording.bucket.is_none() {
            let message = "`recording.backend.type` is set without `recording.backend.bucket`";
            self.broken("recording.backend.type", message, "name the bucket that recordings go to");
        }
    }
}
