//! GitHub's own description of its API: every request of a test, and every answer to it, is held against it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::answer::Answer;
use jsonschema::Validator;
use serde_json::{Value, json};

/// Compiled once for a test run.
pub(super) static DESCRIPTION: LazyLock<Description> = LazyLock::new(Description::read);

/// Statuses that GitHub answers with and does not list: the prose of each operation has some of them, the pages on limits
/// and authentication the others.
const UNLISTED: [u16; 8] = [401, 403, 404, 422, 429, 500, 502, 503];

/// An operation of the description.
pub(super) struct Operation {
    pub(super) id: String,
    path: Vec<String>,
    method: String,
    query: BTreeMap<String, Value>,
    required: Vec<String>,
    body: Option<Validator>,
    answers: BTreeMap<u16, Option<Validator>>,
}

pub(super) struct Description {
    operations: Vec<Operation>,
    schemas: Value,
    /// What every error says.
    error: Validator,
}

/// JSON Schema of a schema of `OpenAPI` 3.0: `nullable` is a type there.
fn convert(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(convert),
        Value::Object(fields) => {
            fields.values_mut().for_each(convert);
            if fields.remove("nullable") != Some(json!(true)) {
                return;
            }
            if let Some(Value::String(kind)) = fields.get("type").cloned() {
                fields.insert("type".to_owned(), json!([kind, "null"]));
                if let Some(Value::Array(values)) = fields.get_mut("enum") {
                    values.push(Value::Null);
                }
            } else {
                let inner = Value::Object(std::mem::take(fields));
                *value = json!({"anyOf": [inner, {"type": "null"}]});
            }
        }
        _ => {}
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Description {
    fn read() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/github/openapi.json");
        let mut whole: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        convert(&mut whole);
        // The prose has what the list lacks: an upload that broke off.
        let states = &mut whole["components"]["schemas"]["release-asset"]["properties"]["state"]["enum"];
        states.as_array_mut().unwrap().push(json!("starter"));
        // Nor does it have a bundle that is too large for an answer, which is at its address alone.
        let path = "/paths/~1repos~1{owner}~1{repo}~1attestations~1{subject_digest}/get/responses/200/content";
        let bundle = "/application~1json/schema/properties/attestations/items/properties/bundle";
        whole.pointer_mut(&format!("{path}{bundle}")).unwrap()["type"] = json!(["object", "null"]);
        let compile = |schema: &Value| {
            let mut schema = schema.clone();
            schema["components"] = whole["components"].clone();
            jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
        };
        let resolve = |value: &Value| match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => whole.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => value.clone(),
        };
        let mut operations = Vec::new();
        for (path, methods) in whole["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                operations.push(Operation::of(path, method, operation, &compile, &resolve));
            }
        }
        // A fixed path goes before a parameter: `latest` is not an id.
        operations.sort_by_key(|o| o.path.iter().map(|part| part.starts_with('{')).collect::<Vec<_>>());
        let error = compile(&json!({"$ref": "#/components/schemas/basic-error"}));
        Self { operations, error, schemas: whole["components"]["schemas"].take() }
    }

    /// A document of that schema with something in every field that it asks for.
    pub(super) fn sample(&self, name: &str) -> Value {
        self.sampled(&self.schemas[name])
    }

    fn sampled(&self, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.sample(reference.rsplit('/').next().unwrap());
        }
        if let Some(first) = schema["anyOf"].as_array().or(schema["allOf"].as_array()).and_then(|all| all.last()) {
            return self.sampled(first);
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[0].clone();
        }
        let kind = &schema["type"];
        match kind.as_str().or_else(|| kind[1].as_str()) {
            Some("null") => Value::Null,
            Some("integer" | "number") => json!(0),
            Some("boolean") => json!(false),
            Some("array") => json!([]),
            Some("string") => match schema["format"].as_str() {
                Some("uri") => json!("https://example.org/"),
                Some("date-time") => json!("2026-01-02T03:04:05Z"),
                _ => json!("text"),
            },
            _ => {
                let required = schema["required"].as_array().into_iter().flatten().map(text);
                required.map(|name| (name.clone(), self.sampled(&schema["properties"][&name]))).collect()
            }
        }
    }

    /// The operation of a request and the values in its path.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<(&Operation, Vec<String>)> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        self.operations.iter().filter(|o| o.method == method).find_map(|o| Some((o, o.values(&parts)?)))
    }

    /// Returns the problems of an answer.
    pub(super) fn answer(&self, operation: &Operation, status: u16, body: &Value) -> Option<String> {
        let place = format!("answer {status} to {}", operation.id);
        match operation.answers.get(&status) {
            Some(Some(schema)) if (200..300).contains(&status) => faults(schema, body, &place),
            Some(_) if status < 400 => None,
            None if !UNLISTED.contains(&status) => Some(format!("{place}: not in the description")),
            _ => faults(&self.error, body, &place),
        }
    }
}

impl Operation {
    fn of(
        path: &str,
        method: &str,
        operation: &Value,
        compile: &impl Fn(&Value) -> Validator,
        resolve: &impl Fn(&Value) -> Value,
    ) -> Self {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let parameters: Vec<Value> = parameters.iter().map(resolve).filter(|p| p["in"] == "query").collect();
        let required = parameters.iter().filter(|p| p["required"] == json!(true)).map(|p| text(&p["name"]));
        let content = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = content.is_object().then(|| {
            // Stricter than the description: a field that GitHub does not know is a mistake of ours.
            let mut schema = content.clone();
            schema["additionalProperties"] = json!(false);
            compile(&schema)
        });
        let answers = operation["responses"].as_object().unwrap().iter().map(|(status, answer)| {
            let schema = resolve(answer)["content"]["application/json"]["schema"].clone();
            (status.parse().unwrap(), schema.is_object().then(|| compile(&schema)))
        });
        Self {
            id: format!("{} {path}", method.to_uppercase()),
            path: path.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            method: method.to_uppercase(),
            required: required.collect(),
            query: parameters.iter().map(|p| (text(&p["name"]), p["schema"].clone())).collect(),
            body,
            answers: answers.collect(),
        }
    }

    /// A ref has slashes in it; nothing else that stands for a value has.
    fn values(&self, parts: &[&str]) -> Option<Vec<String>> {
        let last = self.path.len() - 1;
        let several = self.path[last] == "{ref}";
        if parts.len() < self.path.len() || (parts.len() > self.path.len() && !several) {
            return None;
        }
        let mut values = Vec::new();
        for (i, (wanted, found)) in self.path.iter().zip(parts).enumerate() {
            if several && i == last {
                values.push(parts[i..].join("/"));
            } else if wanted.starts_with('{') {
                values.push((*found).to_owned());
            } else if wanted != found {
                return None;
            }
        }
        Some(values)
    }

    /// Returns the problems of a request's query and JSON body.
    pub(super) fn request(&self, query: &BTreeMap<String, String>, body: Option<&Value>) -> Option<String> {
        for (name, value) in query {
            let Some(schema) = self.query.get(name) else { return Some(format!("{}: no parameter {name}", self.id)) };
            let typed = match schema["type"].as_str() {
                Some("integer") => value.parse::<i64>().map(Value::from).unwrap_or_default(),
                _ => json!(value),
            };
            if let Err(e) = jsonschema::validate(schema, &typed) {
                return Some(format!("{}: {name}={value}: {e}", self.id));
            }
        }
        if let Some(name) = self.required.iter().find(|name| !query.contains_key(*name)) {
            return Some(format!("{}: without {name}", self.id));
        }
        match (&self.body, body) {
            (Some(schema), Some(body)) => faults(schema, body, &self.id),
            (None, Some(_)) => Some(format!("{}: takes no document", self.id)),
            (Some(_), None) => Some(format!("{}: without a document", self.id)),
            (None, None) => None,
        }
    }
}

fn faults(schema: &Validator, value: &Value, place: &str) -> Option<String> {
    let found: Vec<String> = schema.iter_errors(value).map(|e| format!("{} {e}", e.instance_path())).collect();
    (!found.is_empty()).then(|| format!("{place}: {}", found.join("; ")))
}

#[test]
fn the_description_accepts_what_github_sends_and_nothing_else() {
    let (operation, values) = DESCRIPTION.find("GET", "/repos/saynaai/sayna/git/ref/tags/v1.2.3").unwrap();
    assert_eq!(values, ["saynaai", "sayna", "tags/v1.2.3"]);
    let good = json!({"ref": "refs/tags/v1.2.3", "node_id": "x", "url": "https://x/y",
        "object": {"type": "commit", "sha": "0".repeat(40), "url": "https://x/y"}});
    assert_eq!(DESCRIPTION.answer(operation, 200, &good), None);
    let mut bad = good.clone();
    bad["object"]["sha"] = json!(7);
    assert!(DESCRIPTION.answer(operation, 200, &bad).is_some());
    assert!(DESCRIPTION.answer(operation, 204, &good).unwrap().contains("not in the description"));
    let (create, _) = DESCRIPTION.find("POST", "/repos/a/b/releases").unwrap();
    let none = BTreeMap::new();
    assert_eq!(create.request(&none, Some(&json!({"tag_name": "v1", "make_latest": "false"}))), None);
    for wrong in [json!({}), json!({"tag_name": "v1", "make_latest": false}), json!({"tag_name": "v1", "tag": "v1"})] {
        assert!(create.request(&none, Some(&wrong)).is_some(), "{wrong}");
    }
    assert_eq!(
        DESCRIPTION.find("GET", "/repos/a/b/releases/latest").unwrap().0.id,
        "GET /repos/{owner}/{repo}/releases/latest"
    );
    assert!(DESCRIPTION.find("PUT", "/repos/a/b/releases").is_none());
}

/// A release's text, where it is sent. The description knows no limit; GitHub answers as below (ncipollo/release-action#493).
pub(super) fn notes(body: &Value) -> Result<Option<String>, Answer> {
    let notes = body["body"].as_str();
    if notes.is_some_and(|notes| notes.chars().count() > 125_000) {
        let message = "body is too long (maximum is 125000 characters)";
        return Err(Answer::invalid("Release", "custom", "body", message));
    }
    Ok(notes.map(str::to_owned))
}
