//! The issues of the counterpart: labels that are dropped silently, authors by token, pull requests among them.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, may, missing};
use super::schema::DESCRIPTION;
use super::state::{Hub, Rights};

/// The account of a workflow's own token.
pub(crate) const BOT: &str = "github-actions[bot]";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HubIssue {
    pub(crate) number: u64,
    pub(crate) author: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) labels: Vec<String>,
    /// Author and text.
    pub(crate) comments: Vec<(String, String)>,
    pub(crate) open: bool,
    pub(crate) reason: Option<String>,
    pub(crate) pull_request: bool,
}

/// A body longer than this is refused.
const LONGEST: usize = 65_536;

impl HubIssue {
    fn document(&self, hub: &Hub) -> Value {
        let mut document = DESCRIPTION.sample("issue");
        let url = format!("{}/repos/saynaai/sayna/issues/{}", hub.addresses.api, self.number);
        let labels: Vec<Value> = self.labels.iter().map(|name| json!({"name": name})).collect();
        document["number"] = json!(self.number);
        document["title"] = json!(self.title);
        document["body"] = json!(self.body);
        document["labels"] = json!(labels);
        document["state"] = json!(if self.open { "open" } else { "closed" });
        document["user"] = user(&self.author);
        document["url"] = json!(url);
        if self.pull_request {
            document["pull_request"] = json!({"diff_url": null, "html_url": null, "patch_url": null, "url": null});
        }
        document
    }
}

fn user(login: &str) -> Value {
    let mut user = DESCRIPTION.sample("simple-user");
    user["login"] = json!(login);
    user
}

fn comment((author, body): &(String, String)) -> Value {
    let mut document = DESCRIPTION.sample("issue-comment");
    document["user"] = user(author);
    document["body"] = json!(body);
    document
}

/// GitHub trims the end of a text.
fn text(body: &Value) -> Result<Option<String>, Answer> {
    let Some(text) = body["body"].as_str() else { return Ok(None) };
    if text.chars().count() > LONGEST {
        return Err(Answer::invalid("Issue", "custom", "body", "body is too long (maximum is 65536 characters)"));
    }
    Ok(Some(text.trim_end().to_owned()))
}

fn author(rights: Rights) -> String {
    if rights >= Rights::Push { BOT } else { "somebody" }.to_owned()
}

impl Hub {
    fn issue(&mut self, number: &str) -> Result<&mut HubIssue, Answer> {
        self.issues.iter_mut().find(|issue| issue.number.to_string() == number).ok_or_else(missing)
    }

    /// All pages of `GET /issues` and of the comments on one.
    pub(super) fn list_issues(&self, operation: &str, rest: &[String], label: &str) -> Result<Vec<Value>, Answer> {
        if operation == "GET /issues" {
            let wanted = |issue: &&HubIssue| issue.open && issue.labels.iter().any(|l| l == label);
            return Ok(self.issues.iter().rev().filter(wanted).map(|issue| issue.document(self)).collect());
        }
        let issue = self.issues.iter().find(|issue| issue.number.to_string() == rest[0]).ok_or_else(missing)?;
        Ok(issue.comments.iter().map(comment).collect())
    }

    pub(super) fn write_issue(&mut self, operation: &str, rest: &[String], rights: Rights, body: &Value) -> Outcome {
        may(rights, Rights::Read, "issues=write")?;
        if operation == "POST /issues" {
            // Everybody who reads may open an issue. Labels need more rights.
            let labels = body["labels"].as_array().cloned().unwrap_or_default();
            let labels = labels.iter().filter(|_| rights >= Rights::Push).map(|l| l.as_str().unwrap().to_owned());
            let issue = HubIssue {
                number: self.number(),
                author: author(rights),
                title: body["title"].as_str().unwrap().to_owned(),
                body: text(body)?.unwrap_or_default(),
                labels: labels.collect(),
                comments: Vec::new(),
                open: true,
                reason: None,
                pull_request: false,
            };
            let document = issue.document(self);
            self.issues.push(issue);
            return Ok(Answer::new(201, document));
        }
        if operation == "POST /issues/{issue_number}/comments" {
            let said = (author(rights), text(body)?.unwrap());
            let document = comment(&said);
            self.issue(&rest[0])?.comments.push(said);
            return Ok(Answer::new(201, document));
        }
        let issue = self.issue(&rest[0])?;
        if rights < Rights::Push && issue.author != author(rights) {
            return Err(Answer::error(403, "Resource not accessible by personal access token"));
        }
        if let Some(text) = text(body)? {
            issue.body = text;
        }
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        if let Some(state) = body["state"].as_str() {
            issue.open = state == "open";
            issue.reason = body["state_reason"].as_str().map(str::to_owned);
        }
        let document = issue.clone().document(self);
        Ok(Answer::new(200, document))
    }
}
