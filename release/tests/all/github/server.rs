//! The counterpart's sockets: the API, the server that takes uploads, the website and the storage behind it, each on a port
//! of its own. Whatever comes in or goes out is held against GitHub's description.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::answer::{Answer, may};
use super::schema::{DESCRIPTION, Operation};
use super::state::{Addresses, Hub, Rights};

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Which of the servers was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Api,
    Uploads,
    Web,
    Storage,
    /// Not GitHub's API: a Nix cache, and whatever is pinned by an address.
    Outside,
}

/// A running counterpart; it ends with the test, and fails it where anything was not as GitHub has it.
pub(crate) struct Counterpart {
    hub: Arc<Mutex<Hub>>,
    /// Where it listens itself.
    pub(crate) addresses: Addresses,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Counterpart {
    /// With the tokens `push-token`, `read-token` and `admin-token`.
    pub(crate) fn start() -> Self {
        let hub = Arc::new(Mutex::new(Hub::default()));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (said, addresses) = std::sync::mpsc::channel();
        let inside = Arc::clone(&hub);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for origin in [Origin::Api, Origin::Uploads, Origin::Web, Origin::Storage, Origin::Outside] {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    said.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                    tokio::spawn(listen(listener, origin, Arc::clone(&inside)));
                }
                drop(stopped.await);
            });
        });
        let next = || addresses.recv().unwrap();
        let addresses = Addresses { api: next(), uploads: next(), web: next(), storage: next(), outside: next() };
        {
            let mut hub = hub.lock().unwrap();
            hub.addresses = addresses.clone();
            let rights = [("push-token", Rights::Push), ("read-token", Rights::Read), ("admin-token", Rights::Admin)];
            hub.tokens = rights.into_iter().map(|(token, rights)| (token.to_owned(), rights)).collect();
        }
        Self { hub, addresses, stop: Some(stop), thread: Some(thread) }
    }

    /// Looks at, or changes, what it remembers.
    pub(crate) fn hub(&self) -> std::sync::MutexGuard<'_, Hub> {
        self.hub.lock().unwrap()
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
        if !std::thread::panicking() {
            let violations = std::mem::take(&mut self.hub().violations);
            assert!(violations.is_empty(), "not as GitHub has it:\n{}", violations.join("\n"));
        }
    }
}

async fn listen(listener: TcpListener, origin: Origin, hub: Arc<Mutex<Hub>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let hub = Arc::clone(&hub);
        let serve = service_fn(move |request| {
            let hub = Arc::clone(&hub);
            async move { Ok::<_, Infallible>(exchange(request, origin, &hub).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
        // A client, or a proxy in between, that goes away is what some tests are about.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// A request that was read to its end, or as far as it came.
struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: hyper::HeaderMap,
    /// `None` where it broke off.
    body: Option<Vec<u8>>,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

async fn exchange(request: Request<Incoming>, origin: Origin, hub: &Mutex<Hub>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let whole = body.collect().await.ok().map(|b| b.to_bytes().to_vec());
    let url = reqwest::Url::parse(&format!("http://x{}", parts.uri)).unwrap();
    let query = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let path = parts.uri.path().to_owned();
    let asked = Asked { method: parts.method.to_string(), path, query, headers: parts.headers, body: whole };
    let mut hub = hub.lock().unwrap();
    hub.requests.push(format!("{} {}", asked.method, parts.uri));
    let (answer, bytes) = match origin {
        Origin::Api | Origin::Uploads => (api(&asked, origin, &mut hub), None),
        Origin::Web => (web(&asked, &mut hub), None),
        Origin::Storage => storage(&asked, &mut hub),
        Origin::Outside => outside(&asked, &hub),
    };
    hub.look();
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let body = match (bytes, &answer.body) {
        (Some(bytes), _) => bytes,
        (None, Value::Null) => Vec::new(),
        (None, document) => {
            response = response.header("content-type", "application/json; charset=utf-8");
            document.to_string().into_bytes()
        }
    };
    response.body(Full::new(body.into())).unwrap()
}

/// One operation of the description, its request and its answer held against it.
fn api(asked: &Asked, origin: Origin, hub: &mut Hub) -> Answer {
    let Some((operation, values)) = DESCRIPTION.find(&asked.method, &asked.path) else {
        hub.violations.push(format!("{} {}: no such operation", asked.method, asked.path));
        return Answer::error(404, "Not Found");
    };
    let upload = operation.id.ends_with("/assets") && asked.method == "POST";
    hub.violations.extend(faults(asked, operation, upload, origin));
    let mut answer = refuse(asked, hub).unwrap_or_else(|| act(asked, operation, &values, hub));
    let token = asked.header("authorization").trim_start_matches("Bearer ");
    answer.headers.extend(hub.scopes.get(token).map(|scopes| ("x-oauth-scopes", scopes.clone())));
    hub.violations.extend(DESCRIPTION.answer(operation, answer.status, &answer.body));
    answer
}

/// Returns the problem of a request, beyond the rules of its operation.
fn faults(asked: &Asked, operation: &Operation, upload: bool, origin: Origin) -> Vec<String> {
    let id = &operation.id;
    let mut found = Vec::new();
    let mut hold = |fine: bool, what: &str| {
        if !fine {
            found.push(format!("{id}: {what}"));
        }
    };
    hold(
        asked.header("user-agent").starts_with("sayna-release/"),
        "has no User-Agent, without which GitHub answers 403",
    );
    hold(asked.header("x-github-api-version") == "2022-11-28", "names no version of the API");
    hold(upload == (origin == Origin::Uploads), "went to the wrong server");
    let accept = asked.header("accept");
    let asset = id.ends_with("/releases/assets/{asset_id}") && accept == "application/octet-stream";
    hold(asset || accept == "application/vnd.github+json", "accepts another media type");
    let document = asked.body.as_ref().filter(|body| !body.is_empty() && !upload);
    let document: Option<Value> = document.map(|body| serde_json::from_slice(body).unwrap_or_default());
    hold(document.is_none() || asked.header("content-type") == "application/json", "sends no JSON");
    // The description knows one content type of uploads; its prose asks for the true one.
    hold(!upload || !asked.header("content-type").is_empty(), "does not say what it uploads");
    hold(!upload || !asked.header("content-length").is_empty(), "does not say how much it uploads");
    let broken = !upload && asked.body.is_none();
    found.extend(operation.request(&asked.query, document.as_ref()).filter(|_| !broken));
    found
}

fn rights(asked: &Asked, hub: &Hub) -> Option<Rights> {
    let header = asked.header("authorization");
    if header.is_empty() {
        return Some(Rights::Nobody);
    }
    hub.tokens.get(header.strip_prefix("Bearer ")?).copied()
}

/// A refusal that does not depend on what is asked for.
fn refuse(asked: &Asked, hub: &mut Hub) -> Option<Answer> {
    if rights(asked, hub).is_none() {
        return Some(Answer::error(401, "Bad credentials"));
    }
    if asked.method == "GET" { None } else { hub.limited() }
}

fn act(asked: &Asked, operation: &Operation, values: &[String], hub: &mut Hub) -> Answer {
    if !values[..2].join("/").eq_ignore_ascii_case("saynaai/sayna") {
        return Answer::error(404, "Not Found");
    }
    let rights = rights(asked, hub).unwrap_or(Rights::Nobody);
    if rights == Rights::Blind {
        return Answer::error(404, "Not Found");
    }
    let rest = &values[2..];
    let operation = operation.id.replace("/repos/{owner}/{repo}", "");
    let outcome = if asked.method == "GET" {
        read(asked, &operation, rest, rights, hub)
    } else {
        write(asked, &operation, rest, rights, hub)
    };
    outcome.unwrap_or_else(|refusal| refusal)
}

fn read(asked: &Asked, operation: &str, rest: &[String], rights: Rights, hub: &mut Hub) -> Result<Answer, Answer> {
    let missing = || Answer::error(404, "Not Found");
    let document = match operation {
        "GET " => repository(rights),
        "GET /immutable-releases" => {
            may(rights, Rights::Admin, "administration=read")?;
            if !hub.immutable {
                return Err(missing());
            }
            json!({"enabled": true, "enforced_by_owner": false})
        }
        "GET /attestations/{subject_digest}" => {
            let kind = asked.query.get("predicate_type").map_or("", String::as_str);
            let mut answer = page(asked, hub, &hub.attestations_about(kind, &rest[0])?);
            answer.body = json!({"attestations": answer.body});
            return Ok(answer);
        }
        "GET /git/ref/{ref}" => {
            let name = rest[0].strip_prefix("tags/").ok_or_else(missing)?;
            let sha = hub.tags.get(name).ok_or_else(missing)?;
            let kind = if hub.annotated.contains_key(sha) { "tag" } else { "commit" };
            reference("git-ref", kind, sha)
        }
        "GET /git/tags/{tag_sha}" => reference("git-tag", "commit", hub.annotated.get(&rest[0]).ok_or_else(missing)?),
        "GET /issues" | "GET /issues/{issue_number}/comments" => {
            let label = asked.query.get("labels").map_or("", String::as_str);
            return Ok(page(asked, hub, &hub.list_issues(operation, rest, label)?));
        }
        "GET /releases" => {
            let all: Vec<Value> = hub.visible(rights).map(|r| hub.document(r)).collect();
            return Ok(page(asked, hub, &all));
        }
        "GET /releases/latest" => hub.latest().map(|r| hub.document(r)).ok_or_else(missing)?,
        "GET /releases/tags/{tag}" => {
            let found = hub.releases.iter().find(|r| r.tag == rest[0] && !r.draft);
            found.map(|r| hub.document(r)).ok_or_else(missing)?
        }
        "GET /releases/{release_id}" => {
            let found = hub.visible(rights).find(|r| r.id.to_string() == rest[0]);
            found.map(|r| hub.document(r)).ok_or_else(missing)?
        }
        "GET /releases/{release_id}/assets" => {
            let all = hub.list_assets(&rest[0], rights)?;
            return Ok(page(asked, hub, &all));
        }
        "GET /releases/assets/{asset_id}" => {
            let at = hub.asset_at(&rest[0])?;
            if hub.releases[at.0].draft && rights < Rights::Push {
                return Err(missing());
            }
            if asked.header("accept") == "application/octet-stream" {
                return Ok(stored(hub, at));
            }
            hub.asset_document(at)
        }
        other => panic!("{other} is described and not modelled"),
    };
    Ok(Answer::new(200, document))
}

fn write(asked: &Asked, operation: &str, rest: &[String], rights: Rights, hub: &mut Hub) -> Result<Answer, Answer> {
    let issues = operation.contains(" /issues");
    if !issues {
        may(rights, Rights::Push, "contents=write")?;
    }
    let document = || serde_json::from_slice(asked.body.as_deref().unwrap_or_default()).unwrap_or_default();
    match operation {
        "POST /releases/{release_id}/assets" => {
            let name = asked.query.get("name").cloned().unwrap_or_default();
            hub.attach(&rest[0], &name, asked.header("content-type"), asked.body.clone())
        }
        // Half a document is not a document.
        _ if asked.body.is_none() => Err(Answer::error(500, "Server Error")),
        _ if issues => hub.write_issue(operation, rest, rights, &document()),
        "POST /releases" => hub.create(&document()),
        "PATCH /releases/{release_id}" => hub.edit(&rest[0], &document()),
        "DELETE /releases/assets/{asset_id}" => hub.delete_asset(&rest[0]),
        other => panic!("{other} is described and not modelled"),
    }
}

fn repository(rights: Rights) -> Value {
    let mut document = DESCRIPTION.sample("full-repository");
    document["full_name"] = json!("saynaai/sayna");
    document["default_branch"] = json!("main");
    let (push, admin) = (rights >= Rights::Push, rights >= Rights::Admin);
    document["permissions"] = json!({"admin": admin, "push": push, "pull": true});
    document
}

fn reference(schema: &str, kind: &str, sha: &str) -> Value {
    let mut document = DESCRIPTION.sample(schema);
    document["object"] = json!({"type": kind, "sha": sha, "url": "https://example.org/"});
    document
}

fn page(asked: &Asked, hub: &Hub, all: &[Value]) -> Answer {
    let number = |name: &str, default: usize| asked.query.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (size, page) = (number("per_page", 30).min(100), number("page", 1));
    let from = (page - 1) * size;
    let shown: Vec<Value> = all.iter().skip(from).take(size).cloned().collect();
    let mut answer = Answer::new(200, Value::Array(shown));
    if from + size < all.len() {
        let mut query = asked.query.clone();
        query.retain(|name, _| !["page", "per_page"].contains(&name.as_str()));
        let mut query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        query.extend([format!("per_page={size}"), format!("page={}", page + 1)]);
        let next = format!("{}{}?{}", hub.addresses.api, asked.path, query.join("&"));
        answer.headers.push(("link", format!("<{next}>; rel=\"next\", <{next}>; rel=\"last\"")));
    }
    answer
}

/// A signed address in the storage, for a while.
fn stored(hub: &Hub, at: (usize, usize)) -> Answer {
    let id = hub.releases[at.0].assets[at.1].id;
    let mut answer = Answer::new(302, Value::Null);
    answer.headers.push(("location", format!("{}/{id}?signature=s3cret", hub.addresses.storage)));
    answer
}

/// Public files by their addresses, for anybody.
fn web(asked: &Asked, hub: &mut Hub) -> Answer {
    if !asked.header("authorization").is_empty() {
        hub.violations.push(format!("GET {}: a public file was asked for with a token", asked.path));
    }
    let parts: Vec<&str> = asked.path.trim_start_matches("/saynaai/sayna/releases/download/").split('/').collect();
    let [tag, name] = parts.as_slice() else { return Answer::error(404, "Not Found") };
    let found = hub.releases.iter().enumerate().filter(|(_, r)| !r.draft && r.tag == *tag);
    let found =
        { found }.find_map(|(i, r)| Some((i, r.assets.iter().position(|a| a.name == *name && a.state == "uploaded")?)));
    found.map_or_else(|| Answer::error(404, "Not Found"), |at| stored(hub, at))
}

/// The cache `sayna`, which `cache-token` may fill, and any file that has not gone.
fn outside(asked: &Asked, hub: &Hub) -> (Answer, Option<Vec<u8>>) {
    let cache = |permission: &str| Answer::new(200, json!({"name": "sayna", "permission": permission}));
    let answer = match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/api/v1/cache/sayna") => match asked.header("authorization") {
            "Bearer cache-token" => cache("Write"),
            "" | "Bearer reader" => cache("Read"),
            _ => Answer::new(401, json!({"error": "Unauthorized"})),
        },
        (_, path) if path.starts_with("/v1/") => hub.osv.answer(path, asked.body.as_deref().unwrap_or_default()),
        ("HEAD", path) if !hub.gone.contains(path) => Answer::new(200, Value::Null),
        ("GET", path) if hub.files.contains_key(path) => {
            return (Answer::new(200, Value::Null), hub.files.get(path).cloned());
        }
        _ => Answer::new(404, json!({"error": "Not Found"})),
    };
    (answer, None)
}

fn storage(asked: &Asked, hub: &mut Hub) -> (Answer, Option<Vec<u8>>) {
    // As the real one does, which takes the signature and nothing beside it.
    if !asked.header("authorization").is_empty() || asked.query.get("signature").map(String::as_str) != Some("s3cret") {
        hub.violations.push(format!("GET {}: not by its signature alone", asked.path));
        return (Answer::error(400, "InvalidArgument"), None);
    }
    match hub.asset_at(asked.path.trim_start_matches('/')) {
        Ok((release, asset)) => {
            let bytes = hub.releases[release].assets[asset].bytes.clone();
            (Answer::new(200, Value::Null), Some(bytes))
        }
        Err(refusal) => (refusal, None),
    }
}
