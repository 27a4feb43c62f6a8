//! The API of osv.dev, as far as the watch asks it (google.github.io/osv.dev/api): a batch of purls, an advisory by its id.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;

/// The advisories, and how they are given.
#[derive(Debug, Default)]
pub(crate) struct Osv {
    /// Ids by purl.
    pub(crate) by_purl: BTreeMap<String, Vec<String>>,
    pub(crate) records: BTreeMap<String, Value>,
    /// So many ids are on a page.
    pub(crate) page: Option<usize>,
    /// An answer in the place of each batch's.
    pub(crate) says: Option<Value>,
}

impl Osv {
    /// Knows an advisory on a purl.
    pub(crate) fn know(&mut self, id: &str, purl: &str, fields: &Value) {
        self.by_purl.entry(purl.to_owned()).or_default().push(id.to_owned());
        let mut record = json!({"id": id, "modified": "2026-01-02T03:04:05Z", "schema_version": "1.7.3"});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.records.insert(id.to_owned(), record);
    }

    pub(super) fn answer(&self, path: &str, body: &[u8]) -> Answer {
        if let Some(id) = path.strip_prefix("/v1/vulns/") {
            let record = self.records.get(id).cloned();
            return record.map_or_else(
                || Answer::new(404, json!({"code": 5, "message": "Bug not found."})),
                |r| Answer::new(200, r),
            );
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let queries = body["queries"].as_array().cloned().unwrap_or_default();
        let fine = |query: &Value| {
            let purl = query["package"]["purl"].as_str().unwrap_or_default();
            purl.starts_with("pkg:cargo/") && purl.contains('@') && query.get("version").is_none()
        };
        if queries.is_empty() || queries.len() > 1000 || !queries.iter().all(fine) {
            return Answer::new(400, json!({"code": 3, "message": "Invalid query."}));
        }
        let results: Vec<Value> = queries.iter().map(|query| self.results(query)).collect();
        Answer::new(200, self.says.clone().unwrap_or_else(|| json!({"results": results})))
    }

    /// An empty object where nothing is known.
    fn results(&self, query: &Value) -> Value {
        let purl = query["package"]["purl"].as_str().unwrap();
        let Some(all) = self.by_purl.get(purl) else { return json!({}) };
        let from: usize = query["page_token"].as_str().map_or(0, |token| token.parse().unwrap());
        let size = self.page.unwrap_or(usize::MAX);
        let ids = all.iter().skip(from).take(size);
        let vulns: Vec<Value> = ids.map(|id| json!({"id": id, "modified": "2026-01-02T03:04:05Z"})).collect();
        let mut results = json!({"vulns": vulns});
        if from + vulns.len() < all.len() {
            results["next_page_token"] = json!((from + vulns.len()).to_string());
        }
        results
    }
}
