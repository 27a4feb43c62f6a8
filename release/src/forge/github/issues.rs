//! Issues of the repository: listed, opened, edited, commented and closed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Error, Forge as _, Github, Method, Repeat, Response, api};

/// An open issue as GitHub lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// The login of the account that opened it; empty where that account is gone.
    pub author: String,
    /// One line.
    pub title: String,
    /// Markdown, with line feeds alone.
    pub body: String,
    /// Names of labels.
    pub labels: Vec<String>,
}

/// A comment on an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The login of its author.
    pub author: String,
    /// Markdown, with line feeds alone.
    pub body: String,
}

/// The text and label of an issue to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIssue {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// One label. GitHub drops it silently where the token may not set labels.
    pub label: String,
}

/// Why an issue is closed, in GitHub's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Its matter is settled.
    Completed,
    /// It is not followed any more.
    NotPlanned,
}

impl Closing {
    const fn reason(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NotPlanned => "not_planned",
        }
    }
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// `issue`
#[derive(Deserialize)]
struct Found {
    number: u64,
    user: Option<User>,
    title: String,
    body: Option<String>,
    /// Names, or objects with a name.
    labels: Vec<Value>,
    /// GitHub lists pull requests among the issues.
    pull_request: Option<Value>,
}

/// `issue-comment`
#[derive(Deserialize)]
struct FoundComment {
    user: Option<User>,
    body: Option<String>,
}

impl From<Found> for Issue {
    fn from(found: Found) -> Self {
        let name = |label: &Value| label.as_str().or_else(|| label.get("name")?.as_str()).map(str::to_owned);
        Self {
            number: found.number,
            author: login(found.user),
            title: found.title,
            body: api::notes(found.body.as_deref()),
            labels: found.labels.iter().filter_map(name).collect(),
        }
    }
}

fn login(user: Option<User>) -> String {
    user.map(|user| user.login).unwrap_or_default()
}

impl Github {
    /// The open issues with a label, by any author, without pull requests.
    pub fn issues(&self, label: &str) -> Result<Vec<Issue>, Error> {
        let url = self.url(&format!("/issues?state=open&labels={label}"));
        let found = self.pages::<Found>("list the issues", &url)?.ok_or_else(|| self.missing_repository())?;
        Ok(found.into_iter().filter(|issue| issue.pull_request.is_none()).map(Issue::from).collect())
    }

    /// Opens an issue. Where an answer is lost, it looks for an issue that `is_it` accepts before it tries again.
    pub fn open_issue(&self, new: &NewIssue, is_it: impl Fn(&Issue) -> bool) -> Result<Issue, Error> {
        let doing = "open an issue";
        let fields = json!({"title": new.title, "body": new.body, "labels": [new.label]});
        let look = || Ok(self.issues(&new.label)?.into_iter().find(|issue| is_it(issue)));
        let read = |response: Response<'_>| response.json::<Found>().map(Issue::from);
        self.once(doing, &self.url("/issues"), &fields, read, look)
    }

    /// Sets the title and the text of an issue; the same once more changes nothing more.
    pub fn edit_issue(&self, number: u64, title: &str, body: &str) -> Result<(), Error> {
        self.patch_issue("edit an issue", number, &json!({"title": title, "body": body}))
    }

    /// Closes an issue; once more changes nothing more.
    pub fn close_issue(&self, number: u64, why: Closing) -> Result<(), Error> {
        let fields = json!({"state": "closed", "state_reason": why.reason()});
        self.patch_issue("close an issue", number, &fields)
    }

    /// The comments on an issue, oldest first.
    pub fn comments(&self, number: u64) -> Result<Vec<Comment>, Error> {
        let url = self.url(&format!("/issues/{number}/comments"));
        let missing = || Error::Missing { forge: self.name(), what: format!("issue {number}") };
        let found = self.pages::<FoundComment>("read the comments", &url)?.ok_or_else(missing)?;
        let comment = |c: FoundComment| Comment { author: login(c.user), body: api::notes(c.body.as_deref()) };
        Ok(found.into_iter().map(comment).collect())
    }

    /// Adds a comment. Where an answer is lost, it looks for the same text before it tries again.
    pub fn comment(&self, number: u64, body: &str) -> Result<(), Error> {
        let url = self.url(&format!("/issues/{number}/comments"));
        let wanted = api::notes(Some(body));
        let look = || Ok(self.comments(number)?.into_iter().find(|c| c.body == wanted).map(drop));
        self.once("comment on an issue", &url, &json!({"body": body}), |_| Ok(()), look)
    }

    fn patch_issue(&self, doing: &'static str, number: u64, fields: &Value) -> Result<(), Error> {
        let url = self.url(&format!("/issues/{number}"));
        let request = self.request(Method::PATCH, &url).body(Self::body(fields)).repeat(Repeat::Safe);
        self.change(&request).map(drop).map_err(|error| self.refused(doing, error))
    }
}
