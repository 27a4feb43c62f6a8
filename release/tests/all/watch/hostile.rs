//! Texts from a release and from the advisory service stay texts in the issue.

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::json;

use super::{PURL, failed, finding, run};
use crate::github::{Counterpart, reach};

const HOSTILE: [&str; 9] = [
    "@everyone see https://evil.example and #1, GH-2, a@b.example",
    "` <img src=x onerror=alert(1)> `` [a](https://evil.example) ```",
    "x\n\n# heading\n* item\r\n\n<!-- sayna-release watch -->",
    "\u{202e}gnp.exe\u{1b}[2J\0",
    "```\n@everyone\n```",
    "~~~ | a | b |\n|---|---|\n",
    "\\` <script>",
    "&#64;everyone &lt;b&gt;",
    "www.evil.example",
];

/// Everything that is rendered, except for what stands in code spans.
fn rendered(body: &str) -> (String, Vec<String>) {
    let (mut text, mut links) = (String::new(), Vec::new());
    for event in Parser::new_ext(body, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Text(said) | Event::Html(said) | Event::InlineHtml(said) => text.push_str(&said),
            _ => {}
        }
    }
    (text, links)
}

#[test]
fn hostile_texts_are_neither_mentions_nor_links_nor_html() {
    for text in HOSTILE {
        let hub = Counterpart::start();
        hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({"summary": text, "aliases": [text]}));
        let mut found = finding(&hub.addresses.outside).unwrap();
        found.rows = failed(text).rows;
        run(&reach(&hub.addresses.api, "push-token"), &found).unwrap();
        let body = hub.hub().issues[0].body.clone();
        let (rendered, links) = rendered(&body);
        assert_eq!(links, ["https://osv.dev/vulnerability/RUSTSEC-2026-0001"], "{body}");
        let html: Vec<&str> = rendered.split('<').skip(1).collect();
        assert_eq!(html.len(), 1, "the marker and nothing else: {rendered}");
        for word in ["everyone", "evil", "heading", "img", "script", "gnp"] {
            assert!(!rendered.contains(word), "{word} of {text:?} is outside of a code span:\n{body}");
        }
        assert!(!body.chars().any(|c| c != '\n' && sayna_release::shown::is_unsafe(c)), "{body:?}");
    }
}

#[test]
fn a_release_with_any_number_of_findings_is_one_issue_that_github_takes() {
    let hub = Counterpart::start();
    for number in 0..400 {
        let fields = json!({"summary": "`".repeat(3000), "aliases": ["a".repeat(5000), "b".repeat(5000)]});
        hub.hub().osv.know(&format!("RUSTSEC-2026-{number:04}"), PURL, &fields);
    }
    // Without aliases in common, which would make them one.
    hub.hub().osv.records.values_mut().for_each(|record| record["aliases"] = json!([]));
    let mut found = finding(&hub.addresses.outside).unwrap();
    found.rows = (0..100).flat_map(|_| failed(&"ü`".repeat(9999)).rows).collect();
    run(&reach(&hub.addresses.api, "push-token"), &found).unwrap();
    let body = hub.hub().issues[0].body.clone();
    assert_eq!(body.matches(" more: `sayna-release watch").count(), 2, "{body}");
    for number in 400..600 {
        hub.hub().osv.know(&format!("RUSTSEC-2026-{number:04}"), PURL, &json!({}));
    }
    assert!(finding(&hub.addresses.outside).unwrap_err().to_string().contains("the limit is 500"));
}
