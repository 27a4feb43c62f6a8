//! Lists in pages, by a registry that says what a test wants.

use std::sync::{Arc, Mutex};

use sayna_release::digest::Digest;
use sayna_release::registry::{Error, Kind, Object, Purpose, Registry as _};

use super::between::{self, Between};
use super::reach;

/// Answers by the address that is asked for: its path and query, headers, and the tags of that page.
struct Pages {
    pages: Vec<(&'static str, String, &'static str)>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Between for Pages {
    fn instead(&self, head: &str) -> Option<String> {
        let address = head.split(' ').nth(1).unwrap().to_owned();
        let page = self.pages.iter().find(|(at, ..)| *at == address);
        let (status, headers, body) = page.map_or(("404 Not Found", "", "{}".to_owned()), |(_, headers, tags)| {
            let tags: Vec<&str> = tags.split(' ').filter(|tag| !tag.is_empty()).collect();
            ("200 OK", headers.as_str(), serde_json::json!({"name": "a/b", "tags": tags}).to_string())
        });
        self.asked.lock().unwrap().push(address);
        let length = body.len();
        Some(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
    }
}

/// The tags that two pages give: the first with these headers, the second at this address, where it is anywhere.
fn tags(headers: &str, second: Option<&'static str>) -> (Result<Vec<String>, Error>, Vec<String>) {
    let first = ("/v2/a/b/tags/list?n=100", headers.to_owned(), "1.0.0 1.1.0");
    let pages = [first].into_iter().chain(second.map(|at| (at, String::new(), "1.2.0"))).collect();
    let asked = Arc::default();
    let address = between::start("127.0.0.1:1", Pages { pages, asked: Arc::clone(&asked) });
    let tags = reach(&address, "a/b", &[]).tags();
    let asked = asked.lock().unwrap().clone();
    (tags, asked)
}

#[test]
fn the_next_page_is_followed_at_the_address_that_works() {
    let at = "/v2/a/b/tags/list?n=100&last=1.1.0";
    let own = "/v2/a/b/tags/list?n=2&last=1.1.0";
    for (headers, second) in [
        ("Link: </v2/a/b/tags/list?n=2&last=1.1.0>; rel=\"next\"\r\n", own),
        ("Link: <?n=2&last=1.1.0>; title=\"a, b\"; rel=\"prev NEXT\"\r\n", own),
        ("Link: <list?n=2&last=1.1.0>; REL=next\r\n", own),
        ("link: </v2/>; rel=\"start\"\r\nLink: </v2/a/b/tags/list?n=2&last=1.1.0>; rel=\"next\"\r\n", own),
        // Names of its own inside, as a registry behind a proxy has them.
        ("Link: <http://registry.internal:5000/v2/a/b/tags/list?n=2&last=1.1.0>; rel=\"next\"\r\n", own),
        ("Link: <https://other.example/v2/a/b/tags/list?last=1.1.0>; rel=\"next\"\r\n", at),
        ("Link: </artifactory/api/docker/x/v2/a/b/tags/list?last=1.1.0&n=2>; rel=\"next\"\r\n", own),
        // Its own parameters stay where the address is right.
        (
            "Link: </v2/a/b/tags/list?next_page=gAAA%3D&n=2>; rel=\"next\"\r\n",
            "/v2/a/b/tags/list?next_page=gAAA%3D&n=2",
        ),
    ] {
        let (tags, asked) = tags(headers, Some(second));
        assert_eq!(tags.unwrap(), ["1.0.0", "1.1.0", "1.2.0"], "{headers}");
        assert_eq!(asked, ["/v2/a/b/tags/list?n=100", second], "{headers}");
    }
}

#[test]
fn only_the_first_page_may_be_missing() {
    let link = "Link: </v2/a/b/tags/list?n=100&last=1.1.0>; rel=\"next\"\r\n";
    let error = tags(link, None).0.unwrap_err().to_string();
    assert!(error.contains("incomplete list") && error.contains("last=1.1.0"), "{error}");
    let address = between::start("127.0.0.1:1", Pages { pages: vec![], asked: Arc::default() });
    assert_eq!(reach(&address, "a/b", &[]).tags().unwrap(), [""; 0]);
}

#[test]
fn a_next_page_that_cannot_be_found_is_an_error_and_not_an_end() {
    for link in ["<https://other.example/v2/a/b/tags/list?next_page=x>", "</elsewhere>", "<http://[>"] {
        let error = tags(&format!("Link: {link}; rel=\"next\"\r\n"), None).0.unwrap_err().to_string();
        assert!(error.contains("has a list whose next page is at"), "{link}: {error}");
    }
    let circle = tags("Link: </v2/a/b/tags/list?n=100>; rel=\"next\"\r\n", None).0.unwrap_err().to_string();
    assert!(circle.contains("without an end"), "{circle}");
}

/// Answers everything with this.
struct Always(String);

impl Between for Always {
    fn instead(&self, _head: &str) -> Option<String> {
        Some(self.0.clone())
    }
}

fn always(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    between::start("127.0.0.1:1", Always(answer))
}

/// What cannot be read must not be taken for what is not there: `latest` would go backwards.
#[test]
fn a_list_that_is_refused_or_is_none_is_an_error_where_latest_moves() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let address = always(status, "", "");
        assert!(reach(&address, "a/b", &[]).for_purpose(Purpose::Promote).tags().is_err(), "{status}");
        // A repository that is yet to be made is refused in the same way.
        assert_eq!(reach(&address, "a/b", &[]).for_purpose(Purpose::Publish).tags().unwrap().len(), 0, "{status}");
    }
    for body in ["{}", r#"{"errors": [{"code": "UNKNOWN"}]}"#, "[]", r#"{"name": "a/b"}"#, r#"{"tags": "1.0.0"}"#] {
        assert!(reach(&always("200 OK", "", body), "a/b", &[]).tags().is_err(), "{body}");
    }
    for body in [r#"{"name": "a/b", "tags": null}"#, r#"{"name": "a/b", "tags": []}"#] {
        assert!(reach(&always("200 OK", "", body), "a/b", &[]).tags().unwrap().is_empty(), "{body}");
    }
}

#[test]
fn a_blob_of_another_size_is_not_the_blob() {
    let object = Object { digest: Digest::of(b"x"), size: 10, kind: Kind::Blob, from: "/nonexistent".into() };
    for (body, is_there) in [("0123456789", true), ("", true), ("0123456789a", false), ("012", false)] {
        assert_eq!(reach(&always("200 OK", "", body), "a/b", &[]).has(&object).unwrap(), is_there, "{body}");
    }
}
