//! The fields of GitHub's answers that a release needs.

use serde::Deserialize;

/// `release`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Release {
    pub(super) id: u64,
    pub(super) tag_name: String,
    pub(super) draft: bool,
    pub(super) prerelease: bool,
    /// Older servers do not know of it.
    pub(super) immutable: Option<bool>,
    pub(super) body: Option<String>,
    /// A URI template: what begins with a brace is left out.
    pub(super) upload_url: String,
}

/// `release-asset`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Asset {
    pub(super) id: u64,
    /// As GitHub says it: it is parsed where a release is described.
    pub(super) name: String,
    /// `uploaded`, or `starter` of an upload that broke off. The description's list of values lacks the second.
    pub(super) state: String,
    pub(super) size: u64,
    /// Null for assets from before June 2025.
    pub(super) digest: Option<String>,
    pub(super) browser_download_url: String,
}

impl Asset {
    pub(super) fn is_whole(&self) -> bool {
        self.state == "uploaded"
    }
}

/// `git-ref`
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) object: Object,
}

/// `git-tag`
#[derive(Debug, Deserialize)]
pub(super) struct AnnotatedTag {
    pub(super) object: Object,
}

/// The object that a ref or a tag points at.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// Notes as they were sent: who edits them in a browser gives them other line ends.
pub(super) fn notes(body: Option<&str>) -> String {
    let text = body.unwrap_or_default().replace("\r\n", "\n");
    let text = text.trim_end();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}
