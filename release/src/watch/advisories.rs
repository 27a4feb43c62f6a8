//! Advisories by the API of osv.dev: batches of purls, then each advisory by its id.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Error;
use super::sboms::Components;
use crate::http::{Body, Client, Method, Repeat, Request};

/// The service that is asked by default.
pub const SERVICE: &str = "https://api.osv.dev";
/// The API's limit of queries in one request.
const BATCH: usize = 1000;
/// Pages per batch.
const PAGES: usize = 100;
/// More advisories on one release are an error of the service's.
const MOST: usize = 500;
/// The longest id of an advisory, in bytes.
const LONGEST: usize = 64;

/// An advisory on components of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// `RUSTSEC-2026-0001`; that of `RustSec` where it has one.
    pub id: String,
    /// Its other names.
    pub aliases: BTreeSet<String>,
    /// One sentence, in the words of the service.
    pub summary: String,
    /// The documents that name the component, by purl.
    pub components: BTreeMap<String, BTreeSet<String>>,
}

impl Advisory {
    /// Whether it is known by that name.
    pub fn has_name(&self, name: &str) -> bool {
        self.id == name || self.aliases.contains(name)
    }

    fn is(&self, other: &Self) -> bool {
        other.has_name(&self.id) || self.aliases.iter().any(|alias| other.has_name(alias))
    }

    fn join(&mut self, other: Self) {
        self.aliases.extend(other.aliases);
        self.aliases.insert(other.id);
        for (purl, documents) in other.components {
            self.components.entry(purl).or_default().extend(documents);
        }
    }
}

/// `POST /v1/querybatch`
#[derive(Deserialize)]
struct Batch {
    results: Vec<Results>,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    vulns: Vec<Named>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// `GET /v1/vulns/{id}`: an advisory in the OSV format, as far as it is needed.
#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    summary: String,
    withdrawn: Option<String>,
    #[serde(default)]
    affected: Vec<Value>,
}

impl Record {
    /// Whether it is a notice about an unmaintained crate. The gate decides on those.
    fn is_notice(&self) -> bool {
        let kind =
            |of: &Value| of.pointer("/database_specific/informational").and_then(Value::as_str).map(str::to_owned);
        let notice = |of: &Value| kind(of).is_some_and(|kind| matches!(kind.as_str(), "unmaintained" | "notice"));
        !self.affected.is_empty() && self.affected.iter().all(notice)
    }
}

/// Asks for everything that is known of the components. Withdrawn advisories and notices do not count.
pub fn of(components: &Components, client: &Client, service: &str) -> Result<Vec<Advisory>, Error> {
    let service = service.trim_end_matches('/');
    let purls: Vec<&String> = components.known.keys().collect();
    let mut by_id: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for batch in purls.chunks(BATCH) {
        for (purl, id) in ids(batch, client, service)? {
            let documents = components.known.get(purl).cloned().unwrap_or_default();
            by_id.entry(id).or_default().insert(purl.to_owned(), documents);
        }
    }
    if by_id.len() > MOST {
        return Err(broken(service, format!("knows {} advisories; the limit is {MOST}", by_id.len())));
    }
    let mut found: Vec<Advisory> = Vec::new();
    for (id, components) in by_id {
        let record = record(&id, client, service)?;
        if record.withdrawn.is_some() || record.is_notice() {
            continue;
        }
        let aliases = record.aliases.into_iter().filter(|alias| *alias != id).collect();
        found.push(Advisory { id, aliases, summary: record.summary, components });
    }
    Ok(joined(found))
}

/// One entry for each, whatever the number of databases that have it.
fn joined(mut found: Vec<Advisory>) -> Vec<Advisory> {
    // That of RustSec is the first of its names.
    found.sort_by_key(|advisory| (!advisory.id.starts_with("RUSTSEC-"), advisory.id.clone()));
    let mut all: Vec<Advisory> = Vec::new();
    for advisory in found {
        match all.iter_mut().find(|other| other.is(&advisory)) {
            Some(other) => other.join(advisory),
            None => all.push(advisory),
        }
    }
    all
}

fn broken(service: &str, reason: String) -> Error {
    Error::Service { service: service.to_owned(), reason }
}

/// An id that may stand in an address.
pub(super) fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('.')
}

/// Pairs of purl and id, over all pages.
fn ids<'p>(batch: &[&'p String], client: &Client, service: &str) -> Result<Vec<(&'p str, String)>, Error> {
    let mut found = Vec::new();
    let mut left: Vec<(&'p str, Option<String>)> = batch.iter().map(|purl| (purl.as_str(), None)).collect();
    for _ in 0..PAGES {
        if left.is_empty() {
            return Ok(found);
        }
        let results = query(&left, client, service)?;
        if results.len() != left.len() {
            return Err(broken(service, format!("was asked {} questions and answers {}", left.len(), results.len())));
        }
        let mut next = Vec::new();
        for ((purl, _), result) in left.into_iter().zip(results) {
            for vuln in result.vulns {
                if !is_id(&vuln.id) {
                    return Err(broken(service, format!("names an advisory {:?}", vuln.id)));
                }
                found.push((purl, vuln.id));
            }
            next.extend(result.next_page_token.filter(|token| !token.is_empty()).map(|token| (purl, Some(token))));
        }
        left = next;
    }
    Err(broken(service, format!("has more than {PAGES} pages of answers")))
}

fn query(left: &[(&str, Option<String>)], client: &Client, service: &str) -> Result<Vec<Results>, Error> {
    let one = |(purl, token): &(&str, Option<String>)| {
        let mut query = json!({"package": {"purl": purl}});
        if let (Some(token), Some(fields)) = (token, query.as_object_mut()) {
            fields.insert("page_token".to_owned(), json!(token));
        }
        query
    };
    let document = json!({"queries": left.iter().map(one).collect::<Vec<_>>()});
    let body = Body::Bytes(document.to_string().into_bytes(), "application/json");
    // A question: twice is the same as once.
    let request = Request::new(Method::POST, &format!("{service}/v1/querybatch")).body(body).repeat(Repeat::Safe);
    Ok(client.send(&request)?.json::<Batch>()?.results)
}

fn record(id: &str, client: &Client, service: &str) -> Result<Record, Error> {
    let request = Request::new(Method::GET, &format!("{service}/v1/vulns/{id}")).repeat(Repeat::Safe);
    let record: Record = client.send(&request)?.json()?;
    if record.id == id {
        return Ok(record);
    }
    Err(broken(service, format!("was asked for {id} and answers {:?}", record.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(id: &str, aliases: &[&str], purl: &str) -> Advisory {
        let aliases = aliases.iter().map(ToString::to_string).collect();
        let components = BTreeMap::from([(purl.to_owned(), BTreeSet::from(["x".to_owned()]))]);
        Advisory { id: id.to_owned(), aliases, summary: String::new(), components }
    }

    #[test]
    fn an_advisory_of_two_databases_is_one() {
        let all = joined(vec![
            advisory("GHSA-aaaa", &["CVE-1", "RUSTSEC-2026-0001"], "pkg:cargo/a@1"),
            advisory("GHSA-bbbb", &["CVE-2"], "pkg:cargo/c@1"),
            advisory("RUSTSEC-2026-0001", &["CVE-1"], "pkg:cargo/b@1"),
        ]);
        let ids: Vec<&str> = all.iter().map(|a| a.id.as_str()).collect();
        assert_eq!(ids, ["RUSTSEC-2026-0001", "GHSA-bbbb"]);
        assert!(all[0].has_name("GHSA-aaaa") && all[0].components.len() == 2, "{all:?}");
    }

    #[test]
    fn ids_that_lead_elsewhere_are_no_ids() {
        assert!(is_id("RUSTSEC-2026-0001") && is_id("GHSA-x4qr-2fvf-3mr5"));
        let long = "A".repeat(65);
        for id in ["", "..", "../x", "a/b", "a?b", "a b", "a\n", "é", "a%2f", &long] {
            assert!(!is_id(id), "{id:?}");
        }
    }
}
